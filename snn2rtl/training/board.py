"""What TensorBoard shows of a run: curves, and once an epoch what weights, membranes and spikes look like."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.tensorboard import SummaryWriter

from snn2rtl.training.loop import Metrics
from snn2rtl.training.model import Network
from snn2rtl.training.neuron import charged
from snn2rtl.training.samples import Inputs

SHOWN = 8  # samples of a raster


class Board:
    """The TensorBoard files of a run, in a folder; without one nothing is written."""

    def __init__(self, folder: Path | None, done: int) -> None:
        self._writer = SummaryWriter(str(folder), purge_step=done + 1) if folder else None

    def __enter__(self) -> Board:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer:
            self._writer.close()

    def epoch(
        self, number: int, metrics: dict[str, Metrics], others: dict[str, float], net: Network, x: Inputs
    ) -> None:
        """Write what an epoch gave.

        Args:
            number: of the epoch.
            metrics: of train and test.
            others: scalars, such as the learning rate.
            net: the network after the epoch.
            x: samples that are the same in every epoch.
        """
        if not self._writer:
            return
        for part, m in metrics.items():
            rates = {f"firing_rate_{name}": rate for name, rate in m.rates.items()}
            for name, value in ({"loss": m.loss, "accuracy": m.accuracy} | rates).items():
                self._writer.add_scalar(f"{name}/{part}", value, number)
        for name, value in others.items():
            self._writer.add_scalar(name, value, number)
        self._layers(number, net, x)
        self._writer.flush()

    def _layers(self, number: int, net: Network, x: Inputs) -> None:
        assert self._writer
        net.eval()
        with torch.enable_grad():  # which keeps the membranes
            output = net(x.x, x.steps, x.columns)
        for spiking in net.layers:
            name, spikes, synapses = spiking.name, output.spikes[spiking.name], spiking.synapses
            weight = synapses.weight.detach()[synapses.weight_mask > 0]
            if len(weight):
                self._writer.add_histogram(f"weights/{name}", weight, number)
            self._writer.add_histogram(f"membranes/{name}", charged(spikes), number)
            self._writer.add_image(f"spikes/{name}", raster(spikes.detach()), number, dataformats="HW")


def raster(spikes: Tensor) -> Tensor:
    """Return an image of spikes (T, N, neurons): a row for each neuron, samples side by side with a line between."""
    by_sample = functional.pad(spikes[:, :SHOWN].permute(2, 1, 0), (0, 1), value=0.5)
    return by_sample.flatten(1)[:, :-1]
