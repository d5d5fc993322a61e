"""``snn2rtl data inspect shd``: what people and machines read about a file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from shd_files import NOTE, spoken, write_shd

from snn2rtl import cli
from snn2rtl.data import shd, shd_cache
from snn2rtl.data.events import Binning
from snn2rtl.data.samples import load_samples


def inspect(*argv: str) -> int:
    return cli.main(["data", "inspect", "shd", *argv])


def test_json_has_the_numbers_of_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    times, units = spoken(40)
    path = write_shd(tmp_path / "x.h5.gz")
    assert inspect(str(path), "--json") == 0
    data = json.loads(capsys.readouterr().out)
    counts, ends = [len(one) for one in times], [1000 * float(one.max(initial=0)) for one in times]
    assert (data["file"], data["note"], data["regenerated"]) == (str(path), NOTE, True)
    assert (data["recordings"], data["spikes"]) == (40, sum(counts))
    assert data["spikes_a_recording"] == {
        "least": 0, "mean": np.mean(counts), "median": np.median(counts), "most": max(counts)
    }  # fmt: skip
    assert data["last_spike_ms"]["mean"] == pytest.approx(np.mean(ends))
    assert data["units_that_never_spike"] == 700 - len(set(np.concatenate(units).tolist()))
    assert data["mean_rate_of_a_unit_hz"] == pytest.approx(sum(counts) / 700 / sum(ends) * 1000)
    assert [(one["label"], one["word"], one["recordings"]) for one in data["classes"]] == [
        (label, word, 2) for label, word in enumerate(shd.WORDS)
    ]
    assert data["classes"][3]["mean_spikes"] == (counts[3] + counts[23]) / 2
    assert data["classes"][13]["german"] == 2
    of_speaker = [number for number in range(40) if number % 3 == 1]
    english = sum(number % 20 < 10 for number in of_speaker)
    assert data["speakers"][1] == {
        "speaker": 1,
        "recordings": len(of_speaker),
        "english": english,
        "german": len(of_speaker) - english,
        "mean_spikes": pytest.approx(np.mean([counts[number] for number in of_speaker])),
        "mean_last_spike_ms": pytest.approx(np.mean([ends[number] for number in of_speaker])),
    }


def test_binned_recordings_are_those_of_the_trainer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path, out = write_shd(tmp_path / "x.h5"), tmp_path / "made" / "x.npz"
    argv = [
        "data",
        "bin",
        "shd",
        str(path),
        "--step-ms",
        "25",
        "--time-steps",
        "40",
        "--channels",
        "35",
        "--levels",
        "1,2",
    ]
    assert cli.main([*argv, "--samples", "3,0", "--out", str(out)]) == 0
    found = shd_cache.load(path, Binning(step_ms=25, time_steps=40, channels=35, levels=(1, 2)))
    samples = load_samples(out, inputs=70, encoder=None)
    assert np.array_equal(samples.data, found.spikes[:, [3, 0]])
    assert samples.labels is not None
    assert samples.labels.tolist() == [3, 0]
    assert f"{samples.data.sum()} spikes of shape (40, 2, 70)" in capsys.readouterr().out
    assert cli.main([*argv, "--samples", "40", "--out", str(out)]) == 1
    assert cli.main(argv) == 1
    told = capsys.readouterr().err
    assert "--samples: must be 0..39, not 40" in told
    assert "--out: must be the .npz to write to, not left out" in told


def test_a_published_file_has_no_note(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert inspect(str(write_shd(tmp_path / "shd_train.h5", note=None))) == 0
    printed = capsys.readouterr()
    assert "the file's note: none" in printed.out
    assert "fünf" in printed.out
    assert printed.err == ""


def test_without_a_file_the_excerpt_is_inspected_and_plotted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert inspect("--plots", str(tmp_path / "plots")) == 0
    printed = capsys.readouterr().out
    for word in ("1,173,030", "sieben", "NOT the published SHD file", f"wrote 6 files to {tmp_path}"):
        assert word in " ".join(printed.split())
    names = [f"{name}.{kind}" for name in ("rasters", "recordings", "spikes") for kind in ("png", "svg")]
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == names
    assert "regenerated from the HD recordings" in (tmp_path / "plots" / "spikes.svg").read_text()
    for path in (tmp_path / "plots").glob("*.png"):
        picture = imread(path)
        assert min(picture.shape[:2]) > 500
        assert picture[..., :3].min() < 0.5 < picture[..., :3].max() == 1


@pytest.mark.parametrize("samples", ["1", "0,1,2,3", "39,0"])
def test_any_recordings_can_be_plotted(tmp_path: Path, samples: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_shd(tmp_path / "x.h5", note=None)
    assert inspect(str(path), "--plots", str(tmp_path / "plots"), "--samples", samples, "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["plots"]) == 6
    text = (tmp_path / "plots" / "rasters.svg").read_text()
    assert "regenerated" not in text
    for number in samples.split(","):
        assert f"<!-- {number}: “{shd.WORDS[int(number) % 20]}”, speaker {int(number) % 3}" in text


@pytest.mark.parametrize("recordings", [1, 2])
def test_few_and_silent_recordings_are_plotted(tmp_path: Path, recordings: int) -> None:
    silent = [np.zeros(0, np.float16)] * recordings
    path = write_shd(tmp_path / "x.h5", recordings, times=silent, units=[one.astype(np.uint16) for one in silent])
    assert inspect(str(path), "--plots", str(tmp_path / "plots"), "--quiet") == 0


def test_a_missing_package_is_named() -> None:
    code = "import sys; sys.modules['h5py'] = None; from snn2rtl.cli import main; sys.exit(main(sys.argv[1:]))"
    argv = [sys.executable, "-c", code, "data", "inspect", "shd"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "snn2rtl: error: data: needs the package h5py; install it with: pip install 'snn2rtl[data]'\n"
    )


@pytest.mark.parametrize("samples", ["", "-1", "one", "1,,2"])
def test_samples_are_numbers(samples: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        inspect("--samples", samples)
    assert caught.value.code == 2
    assert "argument --samples: must be an integer of 0..4294967295" in capsys.readouterr().err
