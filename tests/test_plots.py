"""The plots are written, whole and not empty, whatever the network did."""

import re
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread
from networks import chain, dense, lif, random_spikes

from snn2rtl.data.samples import Samples
from snn2rtl.errors import OutputError
from snn2rtl.int_net.chain import chain_of
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.measure import metrics, plots
from snn2rtl.rtl.plan import plan

ALL = ["confusion", "firing_rates", "membranes", "operations", "raster", "sparsity"]


@pytest.fixture(autouse=True)
def _no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def drawn(network: FixedPointNetwork, samples: Samples, sample: int = 0) -> dict[str, Figure]:
    activity = metrics.observe(network, samples)
    found = metrics.measure(network, plan(network), activity, samples.labels)
    return plots.draw(found, network, samples, sample)


def written(folder: Path, network: FixedPointNetwork, samples: Samples, sample: int = 0) -> dict[str, Path]:
    return {path.name: path for path in plots.write(drawn(network, samples, sample), folder)}


def check(files: dict[str, Path], names: list[str]) -> None:
    assert sorted(files) == sorted(f"{name}.{kind}" for name in names for kind in ("png", "svg"))
    for name in names:
        picture = imread(files[f"{name}.png"])
        assert min(picture.shape[:2]) > 100
        assert picture[..., :3].min() < 0.5 < picture[..., :3].max() == 1
        assert ElementTree.parse(files[f"{name}.svg"]).getroot().tag.endswith("svg")


def labelled(network: FixedPointNetwork, samples: int = 6) -> Samples:
    labels = np.arange(samples) % network.num_classes
    return Samples(random_spikes(network, 9, samples), labels, None)


def texts(path: Path) -> str:
    """Return what stands in an SVG, whose texts matplotlib draws as paths and repeats in comments."""
    return "\n".join(re.findall(r"<!-- (.*?) -->", path.read_text()))


def test_every_plot_is_written(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    network = chain(dense(random.integers(-9, 12, (30, 8)), 20), dense(random.integers(-9, 12, (3, 30)), 25))
    files = written(tmp_path / "new", network, labelled(network), 2)
    check(files, ALL)
    assert "Sample 2, label 2" in texts(files["raster.svg"])
    assert "30 neurons never spike" in texts(files["firing_rates.svg"])
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(files)


def test_equal_plots_give_equal_bytes(tmp_path: Path) -> None:
    network = chain(dense([[5, 0], [1, -1]], lif([5, 100])))
    first = written(tmp_path / "a", network, labelled(network))
    second = written(tmp_path / "b", network, labelled(network))
    assert {name: path.read_bytes() for name, path in first.items()} == {
        name: path.read_bytes() for name, path in second.items()
    }


@pytest.mark.parametrize(
    "network",
    [
        chain(dense([[0]])),  # nothing ever happens
        chain(dense([[0, 0]] * 3, lif([-5, -5, -5])), dense([[1, 1, 1]], 1)),  # and everything always does
        chain(dense([[3, -2]], lif([4], 4)), dense([[1]] * 25, 1)),  # soft reset, more classes than have names
        chain(*[dense([[2, 1], [-1, 3]], 2) for _ in range(5)]),
    ],
    ids=["silent", "always", "classes", "deep"],
)
def test_extremes_are_drawn(network: FixedPointNetwork) -> None:
    for figure in drawn(network, labelled(network)).values():
        figure.draw_without_rendering()


def test_one_sample_of_one_step_without_a_label_is_drawn() -> None:
    network = chain(dense([[1, 1]]))
    figures = drawn(network, Samples(np.ones((1, 1, 2), np.uint8), None, None))
    assert sorted(figures) == [name for name in ALL if name != "confusion"]
    for figure in figures.values():
        figure.draw_without_rendering()


def test_hostile_names_of_layers_are_drawn() -> None:
    names = ["$x", "$\\frac{$", "a" * 300, "a\nb", ""]
    layers = [replace(dense([[1, 1], [2, 1]]), name=name) for name in names]
    network = chain_of(name="net", layers=tuple(layers), count_bits=4)
    for figure in drawn(network, labelled(network)).values():
        figure.draw_without_rendering()


def test_old_plots_are_replaced_and_other_files_stay(tmp_path: Path) -> None:
    (tmp_path / "raster.png").write_text("old")
    (tmp_path / "notes.txt").write_text("mine")
    network = chain(dense(np.ones((900, 2), int)))
    check(written(tmp_path, network, labelled(network)), ALL)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_place_that_takes_no_plots_is_one_sentence(tmp_path: Path) -> None:
    network = chain(dense([[1, 1]]))
    (tmp_path / "raster.png").mkdir()
    with pytest.raises(OutputError, match=r"raster\.png: cannot be written: "):
        written(tmp_path, network, labelled(network))
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    with pytest.raises(OutputError, match=r"sparsity\.svg/plots/.*: cannot be written: "):
        written(tmp_path / "sparsity.svg" / "plots", network, labelled(network))
