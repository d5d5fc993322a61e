"""Studies over training: a trial is a run, and what is measured on it. The test set is never looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from snn2rtl.compiler import compile_network
from snn2rtl.data.samples import Samples
from snn2rtl.errors import OptionError
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.measure import metrics
from snn2rtl.studies.setup import Objective, Setup
from snn2rtl.studies.space import Space
from snn2rtl.studies.worker import Report, Try
from snn2rtl.training.config import TrainConfig

# of the held-out samples; everything else than accuracy is of the integer network
OBJECTIVES = {
    "accuracy": Objective("maximize", "accuracy on held-out samples, %"),
    "nonzeros": Objective("minimize", "non-zero weights"),
    "spikes": Objective("minimize", "spikes a sample"),
    "membrane_bits": Objective("minimize", "membrane bits"),
}


def make_setup(base: TrainConfig, space: Space, objectives: Mapping[str, Objective]) -> Setup[TrainConfig]:
    """Return the setup of a study over training runs.

    Raises:
        OptionError: as Setup, or tuning would look at the test samples.
    """
    name = base.HELD_OUT
    if not base.has_held_out:
        none = getattr(base, name)
        raise OptionError(f"{name}: must hold some out to tune, for test samples are not to choose by, not {none}")
    if name in space:
        raise OptionError(f"search {name}: must not be varied, for trials are compared on the same samples")
    stops = list(objectives) == ["accuracy"]
    reports = (lambda config: config.epochs) if stops else None
    return Setup(base=base, space=space, objectives=objectives, seed=base.seed, reports=reports)


def trainer(
    objectives: Sequence[str], data: Path | None, init: Path | None, teacher: Path | None, device: str
) -> Try[TrainConfig]:
    """Return the function that trains and measures.

    accuracy alone is that of the trained network. Where a cost is asked for, everything is measured on the integer
    network of ``bits`` bits, or of 8 where the configuration has none.

    Args:
        objectives: names in OBJECTIVES.
        data: folder of the data files.
        init: model file whose weights every trial starts from.
        teacher: folder of a run whose network teaches every trial's.
        device: a torch device.
    """
    from snn2rtl import frontend
    from snn2rtl.training.tasks import task_of
    from snn2rtl.training.trainer import CHECKPOINT, MODEL, Files, train_network

    def train(config: TrainConfig, out: Path, report: Report) -> dict[str, float]:
        files = Files(out=out, data=data, init=init, teacher=teacher)
        try:
            results = train_network(config, files, device=device, report=report, quiet=True)
        finally:
            (out / CHECKPOINT).unlink(missing_ok=True)  # another trial never goes on with it, and there are many
        if list(objectives) == ["accuracy"]:
            return {"accuracy": results["accuracy"]}
        network, _ = compile_network(frontend.load(out / MODEL), config.quantizing())
        held_out = task_of(config).splits(config, data, "cpu").evaluation
        return measure(network, held_out.samples(network.encoder))

    return train


def measure(network: FixedPointNetwork, samples: Samples) -> dict[str, float]:
    """Return the number for each objective of an integer network on samples with labels."""
    assert samples.labels is not None
    activity = metrics.observe(network, samples)
    return {
        "accuracy": 100 * int((activity.classes == samples.labels).sum()) / len(samples),
        "nonzeros": sum(layer.num_nonzero for layer in network.populations),
        "spikes": sum(int(activity.events[node.name].sum()) for node in network.nodes) / len(samples),
        "membrane_bits": sum(len(layer.neuron) * layer.neuron.membrane_bits for layer in network.populations),
    }
