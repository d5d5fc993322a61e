"""What is wrong with a file of NIR, or with what was said of it: one sentence for each, all of a file at once."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path

import h5py
import nir
import numpy as np
import pytest
from nir_files import DT, edges, edit, write

import snn2rtl
from snn2rtl import cli
from snn2rtl.errors import ModelFileError, OptionError, Snn2RtlError, UnsupportedModelError
from snn2rtl.hdf5 import process

ONES = np.ones(3)
NODES = {
    "in": nir.Input(np.array([2])),
    "fc": nir.Affine(np.ones((3, 2)), np.zeros(3)),
    "lif": nir.LIF(4 * DT * ONES, ONES, 0 * ONES, ONES, 0 * ONES),
    "out": nir.Output(np.array([3])),
}


def refused(path: Path, **options: object) -> list[str]:
    """Return the sentences, without the file's name before them."""
    given = {"dt": DT, "reset": "hard", **options}
    with pytest.raises(Snn2RtlError) as error:
        snn2rtl.compile(path, **given)  # type: ignore[arg-type]
    return str(error.value).replace(f"{path}: ", "").splitlines()


def plain(path: Path) -> Path:
    return write(path, NODES, "in fc lif out")


KINDS = ("Input, Output, Identity, Affine, Linear, Scale, Conv1d, Conv2d, SumPool2d, AvgPool2d, Flatten, Delay, "
         "Threshold, I, IF, LI, LIF, CubaLI, CubaLIF")  # fmt: skip
LIF_HAS = "LIF must have the parameters tau, r, v_leak, v_threshold, v_reset"
EDITS: dict[str, tuple[dict[str, object], list[str]]] = {
    "no graph": ({"type": "LIF"}, ["must hold a node of the type NIRGraph, as nir.write makes it, not 'LIF'"]),
    "no nodes": ({"nodes": None}, ["graph: must hold nodes, not none"]),
    "no edges": ({"edges": None}, ["graph: must hold edges, pairs of names of nodes"]),
    "edges of numbers": ({"edges": np.ones((2, 2))}, ["graph: must hold edges, pairs of names of nodes"]),
    "a lost edge": ({"edges": [["in", "fc"], ["fc", "what"]]},
                    ["graph: edges must join its nodes, not 'fc' -> 'what'"]),
    "an edge twice": ({"edges": [["in", "fc"], ["in", "fc"]]},
                      ["graph: edge 'in' -> 'fc' must be there once, not twice"]),
    "an unknown kind": ({"nodes__lif__type": "Izhikevich"},
                        [f"node 'lif': type must be NIRGraph, {KINDS}, not 'Izhikevich'"]),
    "a parameter too few": ({"nodes__lif__tau": None, "nodes__lif__r": None},
                            [f"node 'lif': {LIF_HAS}, of which {key} is missing" for key in ("tau", "r")]),
    "a parameter too many": ({"nodes__lif__refractory": 3.0}, [f"node 'lif': {LIF_HAS}, and no refractory"]),
    "a text": ({"nodes__lif__tau": "long"}, ["node 'lif': tau must be a number, not 'long'"]),
    "NaN": ({"nodes__lif__tau": np.array([1, np.nan, np.inf])},
            ["node 'lif': tau must be finite, not 2 NaN or infinite value(s)"]),
    "complex": ({"nodes__lif__tau": 1j}, ["'node/nodes/lif/tau' must be numbers or text, not complex128"]),
    "nothing in it": ({"nodes__lif__tau": np.ones(0)},
                      ["node 'lif': tau must be at least one number, not an array of shape (0,)"]),
    "another shape": ({"nodes__lif__tau": DT * np.ones(4)},
                      ["node 'lif': tau must be one number or have shape (3,), not (4,)"]),
    "weights of another shape": ({"nodes__fc__weight": np.ones((3, 5))},
                                 ["node 'fc': weight must have shape (out, 2) for an input of shape (2,), not (3, 5)"]),
    "a bias of another shape": ({"nodes__fc__bias": np.ones(4)},
                                ["node 'fc': bias must have shape (3,) as weight has rows, not (4,)"]),
    "an input of four axes": ({"nodes__in__shape": np.array([1, 1, 1, 2])},
                              ["node 'in': shape must be one to three lengths, (inputs,), (channels, length) or "
                               "(channels, height, width), not [1, 1, 1, 2]"]),
    "an output of another size": ({"nodes__out__shape": np.array([4])},
                                  ["node 'out': shape must be (3,), as that of what it reads, not (4,)"]),
    "a short time": ({"nodes__lif__tau": np.array([1e-5])},
                     ["node 'lif': tau must be at least a time step of --dt 0.000976562 s, not 1e-05 s"]),
    "thresholds of 0 that a spike subtracts": (
        {"nodes__lif__v_threshold": 0 * ONES},
        ["node 'lif': v_threshold must be above 0 where a spike subtracts it, not 0"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", EDITS)
def test_changed_files(kind: str, tmp_path: Path) -> None:
    changes, wanted = EDITS[kind]
    path = edit(plain(tmp_path / "net.nir"), **changes)
    assert refused(path, reset="soft") == wanted


def test_all_problems_are_named_at_once(tmp_path: Path) -> None:
    path = edit(plain(tmp_path / "net.nir"), nodes__fc__bias=np.ones(2), nodes__out__shape=np.array([9]))
    edit(path, nodes__lif__v_leak=np.ones(2))
    assert len(refused(path)) == 1, "what comes behind a problem cannot be told"
    edit(path, nodes__fc__bias="x", nodes__in__shape="y")
    assert refused(path) == [
        "node 'fc': bias must be a number, not 'x'",
        "node 'in': shape must be a number, not 'y'",
    ]


LIF = NODES["lif"]
GRAPHS: dict[str, tuple[dict[str, nir.NIRNode], list[str], list[str]]] = {
    "a loop of two": ({**NODES, "fc2": nir.Linear(np.eye(3)), "lif2": LIF, "fc3": nir.Linear(np.eye(3))},
                      ["in fc lif out", "lif fc2 lif2 fc3 lif"],
                      ["graph: the loop LOOP must go from spiking neurons through one Linear, Affine or Scale, or "
                       "none, back into themselves"]),
    "no input": ({key: NODES[key] for key in ("fc", "lif", "out")}, ["fc lif out"],
                 ["graph: must have one Input node, not none", "node 'fc': must read a node, not none"]),
    "two outputs": ({**NODES, "out2": NODES["out"]}, ["in fc lif out", "lif out2"],
                    ["graph: must have one Output node, not out, out2"]),
    "a dead end": ({**NODES, "more": nir.Linear(np.eye(3))}, ["in fc lif out", "lif more"],
                   ["node 'more': must be read by a node, not by none"]),
    "a sum of shapes": ({**NODES, "fc2": nir.Linear(np.ones((4, 2)))}, ["in fc lif out", "in fc2 lif"],
                        ["node 'lif': must read nodes of one shape, not (3,) and (4,)"]),
    "li in the middle": ({**NODES, "li": nir.LI(4 * DT * ONES, ONES, 0 * ONES), "fc2": nir.Linear(np.eye(3))},
                         ["in fc li fc2 lif out"],
                         ["layer 'li': an Integrator must be the last layer, for it never fires"]),
    "an integrator that rests at 1": ({**NODES, "lif": nir.LI(4 * DT * ONES, ONES, ONES)}, ["in fc lif out"],
                                      ["node 'lif': v_leak must be 0, at which scores begin, not 1"]),
    "a current and a leak to 1": (
        {**NODES, "lif": nir.CubaLIF(DT * ONES, DT * ONES, ONES, ONES, ONES)}, ["in fc lif out"],
        ["node 'lif': v_leak must be v_reset behind a synaptic current, not 1 beside it"]),
    "a delay of parts": ({**NODES, "d": nir.Delay(np.array([0.5, 1]) * DT)}, ["in d fc lif out"],
                         ["node 'd': delay must be whole time steps of --dt 0.000976562 s, not 0.5 of them"]),
    "a long delay": ({**NODES, "d": nir.Delay(np.array([64, 1]) * DT)}, ["in d fc lif out"],
                     ["node 'd': delay must be 0..63 time steps, not 1..64"]),
    "a convolution of a row": ({**NODES, "fc": nir.Conv1d(2, np.ones((3, 1, 1)), 1, 0, 1, 1, np.zeros(3))},
                               ["in fc lif out"],
                               ["node 'fc': Conv1d must have an input of shape (channels, length), not (2,)"]),
    "padding without end": (
        {**NODES, "in": nir.Input(np.array([1, 2])),
         "fc": nir.Conv1d(2, np.ones((3, 1, 1)), 1, 1 << 40, 1, 1, np.zeros(3))},
        ["in fc lif out"],
        ["node 'fc': must make at most 16,777,216 values, not those of shape (3, 2199023255554)"]),
    "a delay of too many": ({**NODES, "in": nir.Input(np.array([1 << 14])), "d": nir.Delay(np.array([DT]))},
                            ["in d fc lif out"],
                            ["node 'd': must have at most 11,585 values, each of which is led on, not (16384,)"]),
    "no neurons": ({key: NODES[key] for key in ("in", "fc", "out")}, ["in fc out"],
                   ["layer 'fc': Linear must be followed by a spiking neuron, not by nothing"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", GRAPHS)
def test_graphs(kind: str, tmp_path: Path) -> None:
    nodes, chains, wanted = GRAPHS[kind]
    found = refused(write(tmp_path / "net.nir", nodes, *chains))
    if kind == "a loop of two":
        named = set(found[0].partition("the loop ")[2].partition(" must")[0].split(" -> "))
        assert named == {"lif", "fc2", "lif2", "fc3"}
        found = [found[0].replace(found[0].partition("the loop ")[2].partition(" must")[0], "LOOP")]
    assert found == wanted


def test_what_the_file_leaves_open_is_asked_for(tmp_path: Path) -> None:
    nodes = {**NODES, "lif2": nir.IF(ONES, ONES)}
    path = write(tmp_path / "net.nir", nodes, "in fc lif lif2 out")
    dt, reset, integrate = refused(path, dt=None, reset="")
    assert dt.startswith("--dt: must be given, the seconds of a time step, for the times of node 'lif' are seconds")
    assert reset.startswith("--reset: must be given, for the file does not say what a spike of node 'lif'")
    assert integrate.startswith("--integrate: must be given, time or step, for node 'lif2' adds r * dt * input")
    snn2rtl.compile(path, dt=DT, reset="hard", integrate="time")


def test_a_step_of_r_needs_no_dt(tmp_path: Path) -> None:
    path = write(tmp_path / "net.nir", {**NODES, "lif": nir.IF(ONES, ONES)}, "in fc lif out")
    assert refused(path, dt=None, integrate="time") == [
        "--dt: must be given, the seconds of a time step, for node 'lif' adds r * dt * input"
    ]
    snn2rtl.compile(path, reset="hard", integrate="step")


@pytest.mark.parametrize(
    ("option", "value"), [("dt", 0.0), ("dt", float("nan")), ("reset", "maybe"), ("integrate", "x")]
)
def test_options_out_of_range(option: str, value: object, tmp_path: Path) -> None:
    assert refused(plain(tmp_path / "net.nir"), **{option: value})[0].startswith(f"--{option}: must be ")


def test_other_models_have_nothing_open(tmp_path: Path) -> None:
    snn2rtl.compile(plain(tmp_path / "net.nir"), tmp_path / "net.npz", dt=DT, reset="hard")
    assert refused(tmp_path / "net.npz", integrate="time") == [
        f"--{name}: must be left out where the model is no file of NIR, not {value}"
        for name, value in (("dt", DT), ("reset", "hard"), ("integrate", "time"))
    ]
    with pytest.raises(OptionError, match="--dt: must be left out"):
        snn2rtl.compile(tmp_path / "net.pt", dt=DT)


def test_links_lead_nowhere(tmp_path: Path) -> None:
    path = plain(tmp_path / "net.nir")
    with h5py.File(path, "r+") as file:
        file["node/nodes/more"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/secret")
    assert refused(path) == ["'node/nodes/more' must be in the file itself, not a link"]
    with h5py.File(path, "r+") as file:
        del file["node/nodes/more"]
        file["node/nodes/self"] = file["node"]
    assert refused(path)[0].endswith("must be at most 100,000 items, 32 deep, not more")


def test_a_small_file_of_many_zeros_is_refused(tmp_path: Path) -> None:
    path = plain(tmp_path / "net.nir")
    with h5py.File(path, "r+") as file:
        del file["node/nodes/fc/weight"]
        file["node/nodes/fc"].create_dataset("weight", (1 << 17, 1 << 14), "f4", compression="gzip")
    assert refused(path) == [
        "'node/nodes/fc/weight' must be with all others at most 536,870,912 bytes, not of shape (131072, 16384)"
    ]


DAMAGED: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "text": lambda content: b"no graph",
    "cut": lambda content: content[: len(content) // 2],
    "zeros": lambda content: content[:200] + bytes(len(content) - 200),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_files(kind: str, tmp_path: Path) -> None:
    path = plain(tmp_path / "net.nir")
    path.write_bytes(DAMAGED[kind](path.read_bytes()))
    (sentence,) = refused(path)
    assert sentence.startswith(("must be a file of HDF5", "must be a whole HDF5 file"))


def test_bytes_that_changed_end_no_process_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "SECONDS", 2)
    content = plain(tmp_path / "net.nir").read_bytes()
    rng = np.random.default_rng(0)
    path = tmp_path / "x.nir"
    for _ in range(40):
        changed = np.frombuffer(content, np.uint8).copy()
        changed[rng.integers(0, len(changed), 30)] = rng.integers(0, 256, 30)
        path.write_bytes(changed.tobytes())
        try:
            snn2rtl.compile(path, dt=DT, reset="hard")
        except (ModelFileError, OptionError, UnsupportedModelError) as error:
            assert str(error)  # noqa: PT017, some are read all the same
        except Snn2RtlError as error:
            assert "membrane" in str(error)  # noqa: PT017, a number that has changed


def test_subgraphs_have_one_input_and_one_output(tmp_path: Path) -> None:
    inner = nir.NIRGraph({"lif": NODES["lif"], "out": NODES["out"]}, edges("lif out"), type_check=False)
    path = write(tmp_path / "net.nir", {**NODES, "lif": inner}, "in fc lif out")
    assert refused(path) == ["subgraph 'lif': must have one Input, not none"]


def test_the_command_line_says_it(tmp_path: Path) -> None:
    said = io.StringIO()
    with redirect_stderr(said):
        assert (
            cli.main(["compile", str(plain(tmp_path / "net.nir")), "--out", str(tmp_path / "out"), "--dt", "1e-3"]) == 1
        )
    assert said.getvalue().startswith("snn2rtl: error: --reset: must be given")
    assert not (tmp_path / "out").exists()
