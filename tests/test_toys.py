"""A toy neuron model, layout and front end need the files that CONTRIBUTING.md names, and no others."""

import numpy as np
import pytest
import torch
from networks import chain, dense
from test_contributing import ROOT, SECTIONS, paths
from torch import nn
from toy_front_end import Accumulate
from toy_layout import InvertedRows
from toy_neuron import HalvingNeuron
from toys import FILES, LINES, add

from snn2rtl import frontend
from snn2rtl.api import compile as compile_model
from snn2rtl.errors import ModelFileError, UnsupportedModelError
from snn2rtl.int_net import network_file, reference
from snn2rtl.int_net.neurons import ShiftLeak
from snn2rtl.options import PerLayer, RtlOptions
from snn2rtl.rtl.emit import write_rtl
from snn2rtl.rtl.neurons import MODULES, check_complete
from snn2rtl.rtl.plan import plan

WEIGHT = [[2.0, 1.0, -1.0], [-1.0, 1.0, 1.0]]
SPIKES = (np.random.default_rng(4).random((12, 5, 3)) < 0.5).astype(np.uint8)


@pytest.fixture
def toy(request, monkeypatch, tmp_path):
    add(request.param, monkeypatch, tmp_path)


def of(section):
    return pytest.mark.parametrize("toy", [section], indirect=True)


@pytest.mark.parametrize("section", LINES)
def test_a_toy_needs_what_contributing_names(section):
    assert section in SECTIONS
    named = [path.replace("*", "") for path in paths(section)]
    tables = {module.replace(".", "/") + "/__init__.py" for module, *_ in LINES[section]}
    assert tables <= {*named}
    assert all((ROOT / table).is_file() for table in tables)
    kind = {"a neuron model": "halving", "a layout of weights": "inverted"}.get(section, "")
    allowed = [path.replace("<model>", kind).replace("<layout>", kind) for path in named]
    for file in FILES.get(section, ()):
        assert file in allowed or any(path.endswith("/") and file.startswith(path) for path in allowed)


@of("a neuron model")
def test_a_toy_neuron_from_golden_model_to_file_and_verilog(toy, tmp_path):
    neuron = HalvingNeuron(fire_at=np.array([3, 2]), leak=ShiftLeak(2), membrane_bits=8)
    network = chain(dense(np.array(WEIGHT, int), neuron))
    network_file.save(network, tmp_path / "net.npz")
    result = reference.run(network_file.load(tmp_path / "net.npz"), SPIKES)
    wanted = np.zeros((5, 2), int)
    for sample in range(5):
        for index, weights in enumerate(np.array(WEIGHT, int)):
            v = 0
            for step in range(12):
                v = v - (v >> 2) + int(weights @ SPIKES[step, sample])
                if v >= [3, 2][index]:
                    wanted[sample, index] += 1
                    v >>= 1
    assert wanted.any()
    assert np.array_equal(result.counts, wanted)
    write_rtl(network, plan(network), tmp_path / "rtl")
    assert (tmp_path / "rtl" / "hdl" / "snn_halving.v").is_file()


@of("a neuron model")
def test_a_neuron_without_a_module_stops_the_start(toy, monkeypatch):
    monkeypatch.delitem(MODULES, HalvingNeuron)
    with pytest.raises(TypeError, match=r"^MODULES: must have the module of HalvingNeuron$"):
        check_complete()


@of("a layout of weights")
def test_a_toy_layout_holds_the_weights(toy, tmp_path):
    network = chain(dense(np.arange(-6, 6).reshape(4, 3)))
    design = plan(network, RtlOptions(lanes=PerLayer(2), layout=PerLayer("inverted")))
    layout = design.layers[0].layout
    assert isinstance(layout, InvertedRows)
    assert sorted(map(tuple, layout.weights())) == sorted(map(tuple, network.populations[0].matrix))
    write_rtl(network, design, tmp_path / "rtl")
    (text,) = [file.read_text() for file in (tmp_path / "rtl" / "hdl").glob("*fc1.v")]
    assert "= ~word[" in text


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.neurons = nn.Linear(3, 2, bias=False), Accumulate(2.0)
        self.fc.weight.data = torch.tensor(WEIGHT)

    def forward(self, x):
        return self.neurons(self.fc(x))


def models(tmp_path):
    """Return the network as a chain, as a module whose forward() is traced, and as a file."""
    net = Net()
    (tmp_path / "net.toy").write_text("2.0\n" + "\n".join(" ".join(map(str, row)) for row in WEIGHT))
    return (
        (nn.Sequential(net.fc, net.neurons), {}),
        (net, {"example_input": torch.zeros(1, 3)}),
        (tmp_path / "net.toy", {}),
    )


@of("a front end, a framework whose networks are read")
@pytest.mark.parametrize("which", range(3), ids=["chain", "traced", "file"])
def test_a_toy_front_end_to_the_integer_network(toy, tmp_path, which):
    model, options = models(tmp_path)[which]
    compiled = compile_model(model, tmp_path / "rtl", **options)
    net = Net()
    with torch.no_grad():
        wanted = sum(net(torch.tensor(step, dtype=torch.float32)) for step in SPIKES)
    assert wanted.any()
    assert np.array_equal(reference.run(compiled.network, SPIKES).counts, wanted)


@of("a front end, a framework whose networks are read")
def test_errors_name_a_toy_framework_too(toy, tmp_path):
    with pytest.raises(UnsupportedModelError, match=r"IFNode, LIFNode, ParametricLIFNode or Accumulate, not Tanh"):
        frontend.from_module(nn.Sequential(nn.Linear(3, 2), nn.Tanh()))
    with pytest.raises(ModelFileError, match=r"must be a state_dict to go with --arch, not a file of Toy"):
        frontend.load(tmp_path / "net.toy", arch="net.toml")


def test_without_the_line_nobody_reads_the_toy(tmp_path):
    model, options = models(tmp_path)[0]
    with pytest.raises(UnsupportedModelError, match="not Accumulate"):
        frontend.from_module(model, **options)
    with pytest.raises(ModelFileError):
        frontend.load(tmp_path / "net.toy")
