"""Verilog of a toy neuron model and of a toy layout = golden model, added as CONTRIBUTING.md says."""

from __future__ import annotations

import numpy as np
import pytest
from networks import chain, dense
from toy_neuron import HalvingNeuron
from toys import add

from rtl_tests.lib.emitted import assert_equal_to_reference, emit, replay
from rtl_tests.lib.seed import generator
from snn2rtl.int_net.neurons import ShiftLeak
from snn2rtl.options import PerLayer, RtlOptions
from snn2rtl.rtl import templates

NOISE = generator(17)


@pytest.mark.parametrize("lanes", [1, 3, 5], ids=["a-slot-a-cycle", "ragged-slots", "a-lane-a-neuron"])
def test_a_toy_neuron(lanes, monkeypatch, tmp_path):
    add("a neuron model", monkeypatch, tmp_path)
    neuron = HalvingNeuron(fire_at=np.array([4, 9, 2, 30, 7]), leak=ShiftLeak(2), membrane_bits=7)
    network = chain(dense(NOISE.integers(-9, 14, (5, 6)), neuron), dense(NOISE.integers(-9, 14, (3, 5)), 5))
    options = RtlOptions(lanes=PerLayer(1, {"fc1": lanes}))
    assert_equal_to_reference(emit(network, options, tmp_path / "rtl"))

    module = templates.folder() / "verilog" / "snn_halving.v"
    module.write_text(module.read_text().replace("membrane_q >>> 1", "membrane_q >>> 2"))
    (verdict,) = replay(emit(network, options, tmp_path / "wrong"), stalls=[(0, 0)])
    assert verdict.startswith("FAIL")


@pytest.mark.parametrize("lanes", [1, 2, 5])
def test_a_toy_layout(lanes, monkeypatch, tmp_path):
    add("a layout of weights", monkeypatch, tmp_path)
    network = chain(dense(NOISE.integers(-90, 100, (5, 6)), 50))
    options = RtlOptions(lanes=PerLayer(lanes), layout=PerLayer("inverted"))
    assert_equal_to_reference(emit(network, options, tmp_path / "rtl"))

    for entry in (templates.folder() / "verilog" / "layouts" / "inverted").glob("*.v.j2"):
        entry.write_text(entry.read_text().replace("~word", "word"))
    templates._environment.cache_clear()
    (verdict,) = replay(emit(network, options, tmp_path / "wrong"), stalls=[(0, 0)])
    assert verdict.startswith("FAIL")
