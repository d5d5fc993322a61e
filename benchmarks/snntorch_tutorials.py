"""The networks of snnTorch's tutorials, trained for an epoch, beside their integer networks and Verilog.

Classes and spikes of the float network are snnTorch's own forward pass in evaluation mode. What differs in integers is
what the report of the compiler names: weights of 8 bits, and the rounding of beta.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import snntorch as snn
import torch
from common import record
from numpy.typing import NDArray
from snntorch import spikegen, surrogate, utils
from snntorch.functional import ce_rate_loss
from torch import Tensor, nn

import snn2rtl
from snn2rtl.compiler import fold
from snn2rtl.data import mnist
from snn2rtl.data.samples import load_samples
from snn2rtl.encoders import MAX_PIXEL, Encoder
from snn2rtl.folder import open_folder
from snn2rtl.frontend import from_module
from snn2rtl.int_net import reference
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.output import write_file
from snn2rtl.progress import bar
from snn2rtl.verify.engines import Stalls
from snn2rtl.verify.verify import verify

RATE, SEED, BITS = 2e-3, 0, 8
COMPARED, IN_VERILOG = 1000, 10
BIN_US, BINS, SIDE = 10_000, 30, 34  # of N-MNIST
Arrays = NDArray[Any]


@dataclass(frozen=True)
class Tutorial:
    """A network.

    build: makes it. steps: of a sample. data: of it, "images", "spikes" or "rows" of them, or "events". encoder: how
    samples enter the integer network; None for spikes. batch: samples of a step of training.
    """

    name: str
    network: str
    build: Callable[[], nn.Sequential]
    steps: int
    data: str
    shape: tuple[int, ...]
    encoder: Encoder | None = None
    batch: int = 128


def _leaky(beta: float, **rest: Any) -> nn.Module:
    return snn.Leaky(beta=beta, spike_grad=surrogate.fast_sigmoid(slope=25), init_hidden=True, **rest)


def _linear(beta: float) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 1000), _leaky(beta), nn.Linear(1000, 10), _leaky(beta))


def _convolutional(channels: int, second: int, features: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, 12, 5), nn.MaxPool2d(2), _leaky(0.5), nn.Conv2d(12, second, 5), nn.MaxPool2d(2),
        _leaky(0.5), nn.Flatten(), nn.Linear(features, 10), _leaky(0.5),
    )  # fmt: skip


def _recurrent() -> nn.Sequential:
    kinds = {"spike_grad": surrogate.fast_sigmoid(slope=25), "init_hidden": True}
    return nn.Sequential(
        nn.Linear(28, 100), snn.RLeaky(beta=0.9, linear_features=100, **kinds), nn.Linear(100, 10), _leaky(0.9)
    )


TUTORIALS = (
    Tutorial("tutorial 3", "784-1000-10, spikes", partial(_linear, 0.99), 25, "spikes", (1, 28, 28)),
    Tutorial("tutorial 5", "784-1000-10, images", partial(_linear, 0.95), 25, "images", (1, 28, 28),
             Encoder(kind="direct", time_steps=25)),
    Tutorial("tutorial 6", "12C5-MP2-64C5-MP2-10, images", partial(_convolutional, 1, 64, 1024), 10, "images",
             (1, 28, 28), Encoder(kind="direct", time_steps=10)),
    Tutorial("tutorial 7", "12C5-MP2-32C5-MP2-10, N-MNIST", partial(_convolutional, 2, 32, 800), BINS, "events",
             (2, SIDE, SIDE), batch=8),
    Tutorial("RLeaky", "28-100R-10, rows of images", _recurrent, 28, "rows", (28,),
             Encoder(kind="values")),
)  # fmt: skip


def main() -> None:
    """Train what is not trained yet, compare, write docs/results/snntorch.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of MNIST's files [the cache]")
    parser.add_argument("--events", type=Path, help="folder of nmnist_small_train.h5 and nmnist_small_test.h5")
    parser.add_argument("--runs", type=Path, default=Path("runs/snntorch"), help="where weights are kept [%(default)s]")
    parser.add_argument("--only", help="only this one; nothing is written")
    args = parser.parse_args()
    args.runs.mkdir(parents=True, exist_ok=True)
    rows = []
    for tutorial in TUTORIALS:
        if tutorial.data == "events" and args.events is None:
            continue
        if args.only in (None, tutorial.name):
            rows.append(row(tutorial, args))
            print(rows[-1], flush=True)
    if not args.only:
        record("snntorch", "snnTorch's tutorials", "make snntorch", page(rows))


def row(tutorial: Tutorial, args: argparse.Namespace) -> str:
    """Train a network, or load it, and compare it; return its line of the table."""
    folder = args.events if tutorial.data == "events" else args.data
    net = trained(tutorial, folder, args.runs / f"{tutorial.name.replace(' ', '_')}.pt")
    samples, labels = loaded(tutorial, "test", folder)
    samples, labels = samples[:COMPARED], labels[:COMPARED]
    with tempfile.TemporaryDirectory() as scratch:
        source = from_module(net, input_shape=tutorial.shape, encoder=tutorial.encoder)
        compiled = snn2rtl.compile(
            source,
            Path(scratch) / "rtl",
            input_max=int(samples.max()) if tutorial.data == "events" else None,
            quantize=QuantizeOptions(bits=PerLayer(BITS), time_steps=tutorial.steps),
        )
        given = for_integers(tutorial, samples)
        result = reference.run(compiled.network, given)
        spikes = own_spikes(tutorial, net, samples)
        layers = {one.neuron.name.removesuffix(".neuron"): one.name for one in fold(source).layers}
        same = [np.mean(one == result.traces[layers[name]].spikes) for name, one in spikes.items()]
        classes = [*spikes.values()][-1].sum(axis=0).argmax(axis=1)
        path = Path(scratch) / "samples.npz"
        kind = "images" if compiled.network.takes_pixels and given.ndim == 2 else "values"
        kind = kind if compiled.network.takes_pixels else "spikes"
        few = given[:IN_VERILOG] if given.ndim == 2 else given[:, :IN_VERILOG]
        np.savez(path, **{kind: few.swapaxes(0, 1) if kind == "values" else few})
        rtl = open_folder(Path(scratch) / "rtl")
        network = compiled.network
        taken = load_samples(path, inputs=network.num_inputs, encoder=network.encoder, greatest=network.input.greatest)
        found = verify(rtl, taken, "verilator", Stalls(), lambda _: None)
    cells = (
        tutorial.name, tutorial.network, tutorial.steps, f"{np.mean(classes == labels):.1%}",
        f"{np.mean(result.classes == labels):.1%}", f"{np.mean(result.classes == classes):.1%}", f"{same[-1]:.2%}",
        f"{np.mean(same[:-1]):.2%}", len(labels), found.samples, found.spikes, round(found.cycles),
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def page(rows: list[str]) -> list[str]:
    """Return the lines of docs/results/snntorch.md."""
    return [
        "The layer lists of snnTorch's tutorials, trained here for an epoch (Adam, cross entropy of rates), "
        f"compiled with weights of {BITS} bits. **Same class**: of float and integer network. **Same spikes**: of all "
        "steps and neurons, of the last layer and of those before it. **Verilator**: samples of which every spike is "
        "the golden model's. Tutorial 6 runs 10 steps in place of 50. N-MNIST is the subset that SLAYER ships, 1,000 "
        "recordings to train and 100 to test.",
        "",
        "| tutorial | network | steps | float | integers | same class | same spikes, last | before | samples | "
        "Verilator | spikes | cycles |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *rows,
    ]


def trained(tutorial: Tutorial, folder: Path | None, path: Path) -> nn.Sequential:
    """Return a network after one epoch; its weights are kept."""
    torch.manual_seed(SEED)
    net = tutorial.build()
    if path.is_file():
        net.load_state_dict(torch.load(path, weights_only=True))
        return net.eval()
    samples, labels = loaded(tutorial, "train", folder)
    optimizer, loss_of = torch.optim.Adam(net.parameters(), lr=RATE), ce_rate_loss()
    with bar(tutorial.name, len(labels)) as advance:
        for first in batches(len(labels), tutorial.batch):
            loss = loss_of(run(tutorial, net, samples[first]), torch.from_numpy(labels[first]).long())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            advance(len(first))
    write_file(path, lambda part: torch.save(net.state_dict(), part))
    return net.eval()


def batches(samples: int, size: int) -> Iterator[Arrays]:
    """Yield the numbers of samples in an order drawn by lot, so many at a time."""
    order = np.random.default_rng(SEED).permutation(samples)
    yield from np.array_split(order, -(-samples // size))


def run(tutorial: Tutorial, net: nn.Sequential, samples: Arrays) -> Tensor:
    """Return the spikes of the last layer in all steps, (T, N, classes)."""
    utils.reset(net)
    return torch.stack([net(step) for step in steps_of(tutorial, samples)])


def steps_of(tutorial: Tutorial, samples: Arrays) -> Iterator[Tensor]:
    """Yield what enters in each step."""
    match tutorial.data:
        case "images":
            image = torch.from_numpy(samples).float().reshape(-1, *tutorial.shape) / MAX_PIXEL
            yield from (image for _ in range(tutorial.steps))
        case "rows":
            yield from (torch.from_numpy(samples).float().reshape(-1, 28, 28) / MAX_PIXEL).unbind(1)
        case "spikes":
            torch.manual_seed(SEED)
            images = torch.from_numpy(samples).float() / MAX_PIXEL
            yield from spikegen.rate(images, num_steps=tutorial.steps).reshape(tutorial.steps, -1, *tutorial.shape)
        case _:  # events, samples first
            yield from torch.from_numpy(samples).float().unbind(1)


def for_integers(tutorial: Tutorial, samples: Arrays) -> Arrays:
    """Return samples as the integer network takes them."""
    if tutorial.data == "images":
        return samples
    if tutorial.data == "rows":
        return np.ascontiguousarray(samples.reshape(-1, 28, 28).swapaxes(0, 1))
    return np.stack([step.flatten(1).numpy().astype(np.uint8) for step in steps_of(tutorial, samples)])


@torch.no_grad()
def own_spikes(tutorial: Tutorial, net: nn.Sequential, samples: Arrays) -> dict[str, Arrays]:
    """Return the spikes of each module of neurons in each step, (T, N, neurons), by its name."""
    seen: dict[str, list[Arrays]] = {}

    def keep(name: str) -> Any:
        return lambda module, inputs, output: seen.setdefault(name, []).append(output.flatten(1).numpy() != 0)

    hooks = [one.register_forward_hook(keep(name)) for name, one in net.named_children() if hasattr(one, "threshold")]
    run(tutorial, net, samples)
    for hook in hooks:
        hook.remove()
    return {name: np.stack(steps) for name, steps in seen.items()}


def loaded(tutorial: Tutorial, split: str, folder: Path | None) -> tuple[Arrays, Arrays]:
    """Return samples and labels: images (N, 784), or events of N-MNIST in bins (N, T, 2, 34, 34)."""
    if tutorial.data != "events":
        return mnist.load("train" if split == "train" else "test", folder)
    assert folder is not None
    with h5py.File(folder / f"nmnist_small_{split}.h5") as file:
        offsets, labels = file["offsets"][:], file["labels"][:]
        x, y, polarity, time = (file[f"events/{key}"][:] for key in ("x", "y", "polarity", "time_us"))
    recording = np.repeat(np.arange(len(labels)), np.diff(offsets))
    step = np.minimum(time // BIN_US, BINS - 1)
    frames = np.zeros((len(labels), BINS, 2, SIDE, SIDE), np.uint8)
    np.add.at(frames, (recording, step, polarity, y, x), 1)
    return frames, labels


if __name__ == "__main__":
    main()
