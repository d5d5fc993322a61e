"""Networks of snnTorch's tutorials and documentation, written after their listings: the package ships none."""

from __future__ import annotations

from functools import partial

import snntorch as snn
import torch
from snntorch import surrogate
from torch import Tensor, nn
from zoo_model import Model

BETA = 0.5  # of few bits, for float32 must round nothing
STEPS = 4


class Net(nn.Module):
    """The class of tutorial 5: one image in all steps, membranes passed by hand and recorded."""

    def __init__(self, hidden: int = 1000, steps: int = STEPS, **kinds: object) -> None:
        super().__init__()
        self.steps = steps
        self.fc1 = nn.Linear(784, hidden)
        self.lif1 = snn.Leaky(beta=BETA, **kinds)
        self.fc2 = nn.Linear(hidden, 10)
        self.lif2 = snn.Leaky(beta=BETA, **kinds)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return spikes and membranes of the last layer in all steps."""
        mem1, mem2 = self.lif1.init_leaky(), self.lif2.init_leaky()
        spk2_rec, mem2_rec = [], []
        for _ in range(self.steps):
            cur1 = self.fc1(x.flatten(1))
            spk1, mem1 = self.lif1(cur1, mem1)
            cur2 = self.fc2(spk1)
            spk2, mem2 = self.lif2(cur2, mem2)
            spk2_rec.append(spk2)
            mem2_rec.append(mem2)
        return torch.stack(spk2_rec, dim=0), torch.stack(mem2_rec, dim=0)


class Step(Net):
    """The loop of tutorial 3, of which the caller keeps the membranes."""

    def forward(self, x: Tensor, mem1: Tensor, mem2: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # type: ignore[override]
        """Return spikes and the membranes after one step."""
        spk1, mem1 = self.lif1(self.fc1(x.flatten(1)), mem1)
        spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
        return spk2, mem1, mem2


class Membranes(nn.Module):
    """The regression of snnTorch's tutorials: the membrane of a layer that is never reset."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(28, 40)
        self.slif1 = snn.RLeaky(beta=BETA, linear_features=40)
        self.fc2 = nn.Linear(40, 10)
        self.li_out = snn.Leaky(beta=BETA, reset_mechanism="none")

    def forward(self, x: Tensor) -> Tensor:
        """Return the membranes of all steps."""
        (spk1, mem1), mem2 = self.slif1.init_rleaky(), self.li_out.init_leaky()
        recorded = []
        for step in x:
            spk1, mem1 = self.slif1(self.fc1(step), spk1, mem1)
            _, mem2 = self.li_out(self.fc2(spk1), mem2)
            recorded.append(mem2)
        return torch.stack(recorded)


class Recurrent(nn.Module):
    """The examples of RLeaky and RSynaptic in the documentation; states are passed by hand."""

    def __init__(self, first: nn.Module, last: nn.Module) -> None:
        super().__init__()
        self.fc1, self.lif1, self.fc2, self.lif2 = nn.Linear(28, 40), first, nn.Linear(40, 10), last

    def forward(self, x: Tensor) -> Tensor:
        """Return the spikes of all steps."""
        state1, state2 = self.lif1.reset_mem(), self.lif2.reset_mem()
        recorded = []
        for step in x:
            spk1, *after = self.lif1(self.fc1(step), *state1)
            state1 = (spk1, *after)
            spk2, *after = self.lif2(self.fc2(spk1), *state2)
            state2 = (spk2, *after)
            recorded.append(spk2)
        return torch.stack(recorded)


def _convolutional(channels: int, first: int, second: int, features: int) -> nn.Module:
    """The Sequential of tutorials 6 and 7: pools before neurons, states kept by them."""
    kinds = {"beta": BETA, "spike_grad": surrogate.fast_sigmoid(slope=25), "init_hidden": True}
    return nn.Sequential(
        nn.Conv2d(channels, first, 5),
        nn.MaxPool2d(2),
        snn.Leaky(**kinds),
        nn.Conv2d(first, second, 5),
        nn.MaxPool2d(2),
        snn.Leaky(**kinds),
        nn.Flatten(),
        nn.Linear(features, 10),
        snn.Leaky(**kinds, output=True),
    )


def _chain(make: partial[nn.Module]) -> nn.Module:
    hidden = {"init_hidden": True}
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 60), make(**hidden), nn.Linear(60, 10), make(**hidden))


def _documented(name: str, **kinds: object) -> Model:
    kind = partial(getattr(snn, name), **kinds)
    what = ", ".join(f"{key} {value}" for key, value in kinds.items() if key.startswith("reset"))
    title = f"784-60-10 of {name}{', ' if what else ''}{what}"
    origin = f"snnTorch's documentation of {name}"
    return Model(title, origin, partial(_chain, kind), (1, 28, 28), framework="snnTorch", by_step=True)


_OWN = partial(Model, framework="snnTorch")
SNNTORCH: tuple[Model, ...] = (
    _OWN("784-1000-10, a step a call", "snnTorch's tutorial 3", Step, (1, 28, 28), by_step=True, gives_states=True),
    _OWN("784-1000-10, T = 4", "snnTorch's tutorial 5", Net, (1, 28, 28), takes_images=True),
    _OWN("12C5-MP2-64C5-MP2-10, 2 and 4 channels", "snnTorch's tutorial 6",
         partial(_convolutional, 1, 2, 4, 64), (1, 28, 28), by_step=True),
    _OWN("12C5-MP2-32C5-MP2-10, 2 and 4 channels", "snnTorch's tutorial 7 (N-MNIST)",
         partial(_convolutional, 2, 2, 4, 100), (2, 34, 34), by_step=True),
    _OWN("28-40R-10, membranes", "snnTorch's tutorial on regression", Membranes, (28,), weight_bits=4),
    _OWN("28-40R-10 of RLeaky", "snnTorch's documentation of RLeaky",
         lambda: Recurrent(snn.RLeaky(beta=BETA, linear_features=40), snn.RLeaky(beta=BETA, linear_features=10)),
         (28,), weight_bits=4),
    _OWN("28-40R-10 of RSynaptic", "snnTorch's documentation of RSynaptic",
         lambda: Recurrent(snn.RSynaptic(alpha=BETA, beta=BETA, linear_features=40),
                           snn.RSynaptic(alpha=BETA, beta=BETA, linear_features=10)), (28,), weight_bits=4),
    _documented("Synaptic", alpha=BETA, beta=BETA),
    _documented("Lapicque", R=2.0, C=1.0, time_step=1),
    _documented("Leaky", beta=BETA, reset_mechanism="zero"),
    _documented("Leaky", beta=BETA, reset_delay=False),
    _documented("Synaptic", alpha=BETA, beta=BETA, reset_mechanism="zero"),
)  # fmt: skip
