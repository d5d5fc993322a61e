"""How verify spreads samples over simulators, with the golden model in their place."""

from pathlib import Path

import numpy as np
import pytest
from networks import chain, dense, random_spikes

from snn2rtl.data.samples import Samples
from snn2rtl.errors import VerificationError
from snn2rtl.folder import OutputFolder, open_folder
from snn2rtl.int_net import reference
from snn2rtl.int_net.reference import Spikes
from snn2rtl.rtl import beats
from snn2rtl.rtl.emit import write_rtl
from snn2rtl.rtl.plan import plan
from snn2rtl.verify import verify as module
from snn2rtl.verify.engines import Recording, Stalls

NETWORK = chain(dense(np.arange(12).reshape(3, 4) - 3, 4), dense(np.eye(3, dtype=np.int64), 1))
CYCLES = 50


class Hardware:
    """A simulator that does what the golden model does, but for the samples that it was told to get wrong."""

    def __init__(self, folder: OutputFolder, wrong: Spikes | None) -> None:
        self.folder, self.wrong, self.sizes = folder, wrong, []

    def run(self, spikes: Spikes, stalls: Stalls, wave: Path | None = None) -> Recording:
        self.sizes.append(spikes.shape[1])
        result = reference.run(self.folder.network, spikes)
        layers = {name: trace.spikes.copy() for name, trace in result.traces.items()}
        if self.wrong is not None:
            for sample in np.flatnonzero((spikes == self.wrong).all(axis=(0, 2))):
                layers["fc2"][2, sample, 1] ^= 1
        starts = CYCLES * np.arange(spikes.shape[1])
        output = beats.output_words(self.folder.design, result)
        return Recording(layers, None, output, starts, starts + CYCLES - 1)

    def end(self) -> None:
        pass


def hardware(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: Spikes | None = None) -> Hardware:
    write_rtl(NETWORK, plan(NETWORK), tmp_path / "rtl")
    fake = Hardware(open_folder(tmp_path / "rtl"), wrong)
    monkeypatch.setattr(module, "build", lambda *_, **__: fake)
    return fake


@pytest.mark.parametrize(("jobs", "sizes"), [(1, [64, 64, 22]), (2, [64, 64, 22]), (4, [38, 38, 38, 36])])
def test_parts_keep_every_job_busy(
    jobs: int, sizes: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = hardware(tmp_path, monkeypatch)
    samples = Samples(random_spikes(NETWORK, 5, 150, 1), None, None)
    done: list[int] = []
    verdict = module.verify(fake.folder, samples, "verilator", Stalls(), done.append, jobs=jobs)
    assert done == sizes
    assert sorted(fake.sizes) == sorted(sizes)
    assert verdict.samples == 150
    assert verdict.cycles == CYCLES
    assert verdict.worst == CYCLES
    result = reference.run(NETWORK, samples.data)
    assert verdict.spikes == sum(int(trace.spikes.sum()) for trace in result.in_order)


def test_the_first_difference_is_named_and_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spikes = random_spikes(NETWORK, 8, 2000, 2)
    fake = hardware(tmp_path, monkeypatch, wrong=spikes[:, 70:71])
    expected = reference.run(NETWORK, spikes[:, 70:71]).in_order[1].spikes[2, 0, 1]
    wanted = rf"^sample 70, step 2, layer 'fc2', neuron 1: expected {expected}, got {1 - expected}; waveform: "
    with pytest.raises(VerificationError, match=wanted):
        module.verify(fake.folder, Samples(spikes, None, None), "verilator", Stalls(), lambda _: None, jobs=2)
    assert len(fake.sizes) < 8, "parts after the difference must not run"


def test_what_saturates_in_all_parts_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = chain(dense([[1, 0], [0, 1]]), count_bits=2)
    monkeypatch.setattr("test_verify.NETWORK", network)
    fake = hardware(tmp_path, monkeypatch)
    samples = Samples(np.ones((5, 70, 2), np.uint8), None, None)
    found = module.verify(fake.folder, samples, "verilator", Stalls(), lambda _: None, jobs=1).saturations
    assert fake.sizes == [64, 6]
    assert (found.samples, found.steps, found.readout) == (70, 5, 140)
