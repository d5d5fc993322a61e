"""Networks that Norse ships, its models and tasks, and such as its documentation describes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from norse.torch import IAFCell, LICell, LIFCell, LIFRefracCell, Lift, SequentialState
from norse.torch.models.conv import ConvNet, ConvNet4
from norse.torch.module.sequential import RecurrentSequential
from torch import Tensor, nn
from zoo_model import Model
from zoo_spikingjelly import without_unused


def _task(path: str, name: str, *args: Any, **kwargs: Any) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        with without_unused() as import_module:
            net: nn.Module = getattr(import_module(f"norse.task.{path}"), name)(*args, **kwargs)
        return net

    return build


class Steps(nn.Module):
    """A SequentialState in a loop, as Norse's documentation runs it."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = SequentialState(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs of all steps."""
        state, outputs = None, []
        for step in x:
            out, state = self.layers(step, state)
            outputs.append(out)
        return torch.stack(outputs)


_MODELS = "`norse.torch.models."
NORSE: tuple[Model, ...] = tuple(
    partial(Model, framework="Norse")(*row[:4], **(row[4] if len(row) > 4 else {}))
    for row in (
        ("Norse, convolutional LIF", "Norse's README, its layer list",
         lambda: SequentialState(nn.Conv2d(1, 4, 5), LIFCell(), nn.MaxPool2d(2, 2), nn.Conv2d(4, 5, 5), LIFCell(),
                                 nn.MaxPool2d(2, 2), nn.Flatten(), nn.Linear(80, 10), LICell()), (1, 28, 28),
         {"by_step": True, "gives_states": True}),
        ("ConvNet", f"{_MODELS}conv`", partial(ConvNet, dtype=torch.float64), (1, 28, 28)),
        ("ConvNet4", f"{_MODELS}conv`", partial(ConvNet4, dtype=torch.float64), (1, 28, 28)),
        ("LIFConvNet", "`norse.task.mnist`", _task("mnist", "LIFConvNet", 784, 4, 2.0), (1, 28, 28),
         {"takes_images": True, "is_single": True, "is_log": True}),
        ("Policy", "`norse.task.cartpole`", _task("cartpole", "Policy"), (4,), {"takes_images": True}),
        ("LSNNPolicy", "`norse.task.cartpole`", _task("cartpole", "LSNNPolicy"), (4,), {"takes_images": True}),
        ("Lift", "the documentation of Lift", lambda: nn.Sequential(Lift(nn.Flatten()), Lift(nn.Linear(784, 20)),
                                                                    Lift(LIFCell())), (1, 28, 28)),
        ("RecurrentSequential", "the documentation of RecurrentSequential",
         lambda: Steps(RecurrentSequential(nn.Linear(28, 28), LIFCell())), (28,), {"weight_bits": 3}),
        ("IAF and refractory LIF", "a SequentialState in a loop",
         lambda: Steps(nn.Flatten(), nn.Linear(784, 50), IAFCell(), nn.Linear(50, 20), LIFRefracCell(),
                       nn.Linear(20, 10), LICell()), (1, 28, 28)),
    )
)  # fmt: skip
