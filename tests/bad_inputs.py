"""The bad inputs of docs/errors.md: CASES makes each in a folder and returns the command that meets it."""

import os
from collections.abc import Callable
from pathlib import Path

import bad_shd
import numpy as np
import torch
from spikingjelly.activation_based import layer, neuron
from torch import nn

import snn2rtl
from snn2rtl.cli import main
from snn2rtl.encoders import Encoder
from snn2rtl.version import __version__

Case = Callable[[Path], list[str]]
CASES: dict[str, Case] = {**bad_shd.CASES}


def case(name: str) -> Callable[[Case], Case]:
    def register(function: Case) -> Case:
        CASES[name] = function
        return function

    return register


class Net(nn.Module):
    """A user's own class, which a model file must not bring along."""


class Code:
    """Runs a command when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self):
        return os.system, (f"touch {self.canary}",)


def small(threshold: float = 1.0, v_reset: float | None = 0.0) -> nn.Sequential:
    torch.manual_seed(0)
    lif = neuron.LIFNode(2.0, False, threshold, v_reset, step_mode="m")
    return nn.Sequential(layer.Linear(4, 3, bias=False, step_mode="m"), lif)


def model(folder: Path, net: nn.Module | None = None, **options: object) -> str:
    path = folder / "model.pt"
    snn2rtl.save(net or small(), path, **options)
    return str(path)


def compile_args(folder: Path, path: str | Path, *options: str) -> list[str]:
    return ["compile", str(path), "--out", str(folder / "rtl"), *options]


def written(folder: Path, name: str, content: bytes) -> list[str]:
    (folder / name).write_bytes(content)
    return compile_args(folder, folder / name)


def whole(folder: Path, name: str, thing: object) -> list[str]:
    torch.save(thing, folder / name)
    return compile_args(folder, folder / name)


def compiled(folder: Path) -> Path:
    assert main(["compile", model(folder), "--out", str(folder / "rtl"), "--quiet"]) == 0
    return folder / "rtl"


@case("missing")
def _(folder: Path) -> list[str]:
    return compile_args(folder, folder / "none.pt")


@case("folder")
def _(folder: Path) -> list[str]:
    (folder / "folder.pt").mkdir()
    return compile_args(folder, folder / "folder.pt")


@case("empty")
def _(folder: Path) -> list[str]:
    return written(folder, "empty.pt", b"")


@case("text")
def _(folder: Path) -> list[str]:
    return written(folder, "text.pt", b"just some text\n" * 20)


@case("truncated")
def _(folder: Path) -> list[str]:
    content = Path(model(folder)).read_bytes()
    return written(folder, "cut.pt", content[: len(content) // 2])


@case("code")
def _(folder: Path) -> list[str]:
    return whole(folder, "code.pt", {"layers": [Code(folder / "canary")]})


@case("user-class")
def _(folder: Path) -> list[str]:
    return whole(folder, "own.pt", Net())


@case("own-code")
def _(folder: Path) -> list[str]:
    return ["compile", "--model", "nowhere.nets:Net", "--out", str(folder / "rtl")]


@case("onnx")
def _(folder: Path) -> list[str]:
    return written(folder, "net.onnx", b"\x08\x08\x12\x07pytorch" + bytes(40))


@case("keys")
def _(folder: Path) -> list[str]:
    return whole(folder, "x.pt", {"a": small(), "b": small()})


@case("unknown-layers")
def _(folder: Path) -> list[str]:
    return whole(folder, "net.pt", nn.Sequential(nn.MaxPool3d(2), neuron.IzhikevichNode(2.0, 0.8, 1.0, 1.0)))


@case("nan")
def _(folder: Path) -> list[str]:
    net = small()
    net[0].weight.data[1, 2] = float("nan")
    return whole(folder, "net.pt", net)


@case("shapes")
def _(folder: Path) -> list[str]:
    lif = [neuron.LIFNode(2.0, step_mode="m") for _ in range(2)]
    return whole(folder, "net.pt", nn.Sequential(nn.Linear(6, 5), lif[0], nn.Linear(4, 2), lif[1]))


@case("no-neuron")
def _(folder: Path) -> list[str]:
    return whole(folder, "net.pt", nn.Sequential(nn.Linear(6, 5)))


@case("beat-pixels")
def _(folder: Path) -> list[str]:
    return compile_args(folder, model(folder), "--beat-pixels", "4")


@case("readout")
def _(folder: Path) -> list[str]:
    return compile_args(folder, model(folder), "--readout", "max")


@case("direct-spikes")
def _(folder: Path) -> list[str]:
    np.savez(folder / "x.npz", spikes=np.zeros((3, 2, 4), np.uint8), labels=np.zeros(2, int))
    path = model(folder, encoder=Encoder(kind="direct", time_steps=4))
    return ["compile", path, "--out", str(folder / "net.npz"), "--calibration", str(folder / "x.npz")]


@case("value-spikes")
def _(folder: Path) -> list[str]:
    np.savez(folder / "x.npz", spikes=np.zeros((3, 2, 4), np.uint8), labels=np.zeros(2, int))
    calibration = ["--encoder", "values", "--calibration", str(folder / "x.npz")]
    return ["compile", model(folder), "--out", str(folder / "net.npz"), *calibration]


@case("encoder")
def _(folder: Path) -> list[str]:
    return compile_args(folder, model(folder, encoder=Encoder.poisson(5, 0.5)), "--encoder", "values")


@case("greatest-votes")
def _(folder: Path) -> list[str]:
    net = nn.Sequential(nn.Linear(4, 6), neuron.NonSpikingIFNode("max-mem"), layer.VotingLayer(2))
    snn2rtl.save(net, folder / "net.pt")
    return compile_args(folder, str(folder / "net.pt"))


@case("npz-lanes")
def _(folder: Path) -> list[str]:
    return ["compile", model(folder), "--out", str(folder / "net.npz"), "--lanes", "4"]


@case("npz-folder")
def _(folder: Path) -> list[str]:
    (folder / "net.npz").mkdir()
    return ["compile", model(folder), "--out", str(folder / "net.npz")]


@case("npz-read-only")
def _(folder: Path) -> list[str]:
    return ["compile", model(folder), "--out", "/proc/net.npz"]


@case("npz-engine")
def _(folder: Path) -> list[str]:
    np.save(folder / "x.npy", np.zeros((3, 2, 4), np.uint8))
    argv = ["simulate", str(compiled(folder) / "network.npz"), "--engine", "icarus"]
    return [*argv, "--input", str(folder / "x.npy"), "--out", str(folder / "y.npz")]


@case("state-dict")
def _(folder: Path) -> list[str]:
    return whole(folder, "state.pt", small().state_dict())


@case("arch-key")
def _(folder: Path) -> list[str]:
    torch.save(small().state_dict(), folder / "state.pt")
    text = '[[layer]]\ntype = "Linear"\nname = "0"\nwieght = 1\n'
    text += (
        '[[layer]]\ntype = "LIFNode"\nname = "1"\ntau = 2.0\nv_threshold = 1.0\nv_reset = 0.0\ndecay_input = false\n'
    )
    (folder / "net.toml").write_text(text)
    return compile_args(folder, folder / "state.pt", "--arch", str(folder / "net.toml"))


for name, options in {
    "bits-17": ["--bits", "17"],
    "bits-99": ["--bits", "99"],
    "bits-layer": ["--bits", "fc9=4"],
    "narrow": ["--membrane-bits", "3"],
    "lanes": ["--lanes", "1025"],
    "target-steps": ["--target-cycles", "9"],
    "layout": ["--layout", "diagonal"],
    "strict": ["--strict"],
}.items():
    CASES[name] = lambda folder, options=options: compile_args(folder, model(folder), *options)


@case("target-cycles")
def _(folder: Path) -> list[str]:
    path = model(folder, encoder=Encoder(kind="poisson", time_steps=4))
    return compile_args(folder, path, "--target-cycles", "1")


@case("soft-zero")
def _(folder: Path) -> list[str]:
    return compile_args(folder, model(folder, small(threshold=0.0, v_reset=None)))


@case("out-file")
def _(folder: Path) -> list[str]:
    (folder / "rtl").write_text("mine")
    return compile_args(folder, model(folder))


@case("out-foreign")
def _(folder: Path) -> list[str]:
    (folder / "rtl").mkdir()
    (folder / "rtl" / "notes.txt").write_text("mine")
    return compile_args(folder, model(folder))


@case("out-added")
def _(folder: Path) -> list[str]:
    (compiled(folder) / "hdl" / "mine.v").write_text("module mine; endmodule")
    return compile_args(folder, model(folder))


@case("read-only")
def _(folder: Path) -> list[str]:
    return ["compile", model(folder), "--out", "/proc/rtl"]


@case("corrupt-npz")
def _(folder: Path) -> list[str]:
    content = (compiled(folder) / "network.npz").read_bytes()
    (folder / "network.npz").write_bytes(content[: len(content) // 2])
    return ["compile", str(folder / "network.npz"), "--out", str(folder / "other")]


@case("quantize-npz")
def _(folder: Path) -> list[str]:
    return ["compile", str(compiled(folder) / "network.npz"), "--bits", "4", "--out", str(folder / "other")]


@case("no-labels")
def _(folder: Path) -> list[str]:
    np.savez(folder / "x.npz", spikes=np.zeros((3, 2, 4), np.uint8))
    return compile_args(folder, model(folder), "--calibration", str(folder / "x.npz"))


@case("not-output")
def _(folder: Path) -> list[str]:
    return ["verify", str(folder)]


@case("other-version")
def _(folder: Path) -> list[str]:
    out = compiled(folder)
    text = (out / "manifest.json").read_text()
    (out / "manifest.json").write_text(text.replace(f'"version": "{__version__}"', '"version": "0.0.7"'))
    return ["verify", str(out)]


@case("edited")
def _(folder: Path) -> list[str]:
    out = compiled(folder)
    other = model(folder, small(threshold=2.0))
    assert main(["compile", other, "--out", str(folder / "other"), "--quiet"]) == 0
    (folder / "other" / "network.npz").replace(out / "network.npz")
    return ["verify", str(out)]


@case("no-simulator")
def _(folder: Path) -> list[str]:
    return ["verify", str(compiled(folder)), "--engine", "icarus"]


@case("input-shape")
def _(folder: Path) -> list[str]:
    np.save(folder / "x.npy", np.zeros((3, 2, 9), np.uint8))
    out = compiled(folder)
    return ["simulate", str(out), "--input", str(folder / "x.npy"), "--out", str(folder / "y.npz")]


@case("input-values")
def _(folder: Path) -> list[str]:
    np.savez(folder / "x.npz", spikes=np.full((3, 2, 4), 2, np.uint8))
    out = compiled(folder)
    return ["simulate", str(out), "--input", str(folder / "x.npz"), "--out", str(folder / "y.npz")]


def measure_args(folder: Path, *options: str, labels: tuple[int, ...] = (0, 1)) -> list[str]:
    np.savez(folder / "x.npz", spikes=np.ones((3, 2, 4), np.uint8), labels=np.array(labels))
    return ["measure", str(compiled(folder)), "--data", str(folder / "x.npz"), *options]


@case("measure-label")
def _(folder: Path) -> list[str]:
    return measure_args(folder, labels=(0, 7))


@case("measure-sample")
def _(folder: Path) -> list[str]:
    return measure_args(folder, "--sample", "2")


@case("measure-bits")
def _(folder: Path) -> list[str]:
    return measure_args(folder, "--bits", "4")


@case("plots-file")
def _(folder: Path) -> list[str]:
    (folder / "plots").write_text("mine")
    return measure_args(folder, "--plots", str(folder / "plots"))


@case("plots-read-only")
def _(folder: Path) -> list[str]:
    return measure_args(folder, "--repeats", "0", "--plots", "/proc/plots")


@case("no-mnist")
def _(folder: Path) -> list[str]:
    (folder / "data").mkdir()
    return ["train", "mnist", "--data", str(folder / "data"), "--out", str(folder / "run")]


@case("no-shd")
def _(folder: Path) -> list[str]:
    (folder / "data").mkdir()
    return ["train", "shd", "--data", str(folder / "data"), "--out", str(folder / "run")]


@case("shd-no-data")
def _(folder: Path) -> list[str]:
    return ["train", "shd", "--out", str(folder / "run")]


@case("train-option")
def _(folder: Path) -> list[str]:
    return ["train", "shd", "--out", str(folder / "run"), "--tau", "4"]


def tune_args(folder: Path, *options: str) -> list[str]:
    return ["tune", "mnist", "--out", str(folder / "tune"), *options]


def case_of_tune(name: str, *options: str) -> None:
    CASES[f"tune-{name}"] = lambda folder: tune_args(folder, *options)


case_of_tune("range", "--search", "lr=1e-2:1e-4")
case_of_tune("log", "--search", "dropout=0:0.5:log")
case_of_tune("field", "--search", "momentum=0.1:0.9")
case_of_tune("rule", "--search", "bits=2:9")
case_of_tune("together", "--search", "bits=0,4", "--batch-norm")
case_of_tune("nothing")
case_of_tune("objective", "--search", "lr=1e-4:1e-2", "--objective", "accuracy,speed")
case_of_tune("test-images", "--search", "lr=1e-4:1e-2", "--hold-out", "0")
case_of_tune("storage", "--search", "lr=1e-4:1e-2", "--storage", "postgresql://me:secret@127.0.0.1:1/studies")
case_of_tune("storage-memory", "--search", "lr=1e-4:1e-2", "--storage", "sqlite:///:memory:")
case_of_tune("storage-kind", "--search", "lr=1e-4:1e-2", "--storage", "mysql://me@host/studies")
