"""The example with a spiking convolution: trained, compiled, and its Verilog run on recordings."""

import runpy
import sys
from pathlib import Path

from snn2rtl.api import compile
from snn2rtl.data.events import Binning
from snn2rtl.data.samples import Samples
from snn2rtl.data.shd import excerpt
from snn2rtl.data.shd_cache import load
from snn2rtl.folder import open_folder
from snn2rtl.options import PerLayer, RtlOptions
from snn2rtl.verify.engines import Stalls
from snn2rtl.verify.verify import verify

EXAMPLE = Path(__file__).parents[2] / "examples" / "shd" / "hybrid.py"


def test_a_spiking_convolution_through_the_whole_chain(tmp_path, monkeypatch):
    model = tmp_path / "hybrid.pt"
    monkeypatch.setattr(sys, "argv", ["hybrid.py", "--epochs", "1", "--out", str(model)])
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    compile(model, tmp_path / "rtl", rtl=RtlOptions(lanes=PerLayer(16)))
    folder = open_folder(tmp_path / "rtl")
    assert folder.design.layers[0].layout.kind == "ragged", "a convolution is mostly zeros, which take no memory"
    data = load(excerpt(), Binning(10, 100, 140, levels=(1,)), tmp_path / "cache")
    samples = Samples(data.spikes[:, [5]], None, None)
    assert verify(folder, samples, "icarus", Stalls(), lambda _: None).spikes > 0
