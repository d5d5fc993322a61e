"""What TensorBoard shows of a run: curves, and once an epoch what weights, membranes and spikes look like."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.tensorboard import SummaryWriter

from snn2rtl.errors import OutputError
from snn2rtl.training.loop import EpochMetrics
from snn2rtl.training.network import TrainableNetwork
from snn2rtl.training.neuron import charged
from snn2rtl.training.task import Batch

SHOWN = 8  # samples of a raster


class TensorBoard:
    """The TensorBoard files of a run, in a folder; without one nothing is written."""

    def __init__(self, folder: Path | None, done: int) -> None:
        self._folder, self._hook = folder, threading.excepthook
        with self._named_errors():
            self._writer = SummaryWriter(str(folder), purge_step=done + 1) if folder else None

    def __enter__(self) -> TensorBoard:
        threading.excepthook = self._thread_ended
        return self

    def __exit__(self, *_: object) -> None:
        try:
            with self._named_errors():
                if self._writer:
                    self._writer.close()
        finally:
            threading.excepthook = self._hook

    def _thread_ended(self, args: threading.ExceptHookArgs) -> None:
        # what TensorBoard's thread could not write is raised once more where the writer is used next
        if not issubclass(args.exc_type, OSError):
            self._hook(args)

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(f"{self._folder}: must be writable, but {error.strerror or error}") from error

    def epoch(
        self, number: int, metrics: dict[str, EpochMetrics], others: dict[str, float], net: TrainableNetwork, x: Batch
    ) -> None:
        """Write what an epoch gave.

        Args:
            number: of the epoch.
            metrics: of train and test.
            others: scalars, such as the learning rate.
            net: the network after the epoch.
            x: samples that are the same in every epoch.

        Raises:
            OutputError: the files cannot be written.
        """
        if self._writer:
            with self._named_errors():
                self._write(self._writer, number, metrics, others)
                self._layers(self._writer, number, net, x)
                self._writer.flush()

    def _write(
        self, writer: SummaryWriter, number: int, metrics: dict[str, EpochMetrics], others: dict[str, float]
    ) -> None:
        for part, m in metrics.items():
            rates = {f"firing_rate_{name}": rate for name, rate in m.rates.items()}
            for name, value in ({"loss": m.loss, "accuracy": m.accuracy} | rates).items():
                writer.add_scalar(f"{name}/{part}", value, number)
        for name, value in others.items():
            writer.add_scalar(name, value, number)

    def _layers(self, writer: SummaryWriter, number: int, net: TrainableNetwork, x: Batch) -> None:
        net.eval()
        with torch.enable_grad():  # which keeps the membranes
            output = net(x.x, x.steps, x.columns)
        for layer in net.layers:
            name, synapses = layer.name, layer.synapses
            shown = {"weights": synapses.weight.detach()[synapses.weight_mask > 0]}
            if layer.fires:
                shown["membranes"] = charged(output.spikes[name])
                writer.add_image(f"spikes/{name}", raster(output.spikes[name].detach()), number, dataformats="HW")
            for what, values in shown.items():
                finite = values[values.abs() < 1e19]  # what has a place in a histogram; NaN has none
                if len(finite):
                    writer.add_histogram(f"{what}/{name}", finite, number)


def raster(spikes: Tensor) -> Tensor:
    """Return an image of spikes (T, N, neurons): a row for each neuron, samples side by side with a line between."""
    by_sample = functional.pad(spikes[:, :SHOWN].permute(2, 1, 0), (0, 1), value=0.5)
    return by_sample.flatten(1)[:, :-1]
