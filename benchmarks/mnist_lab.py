"""The training lab's table: trains every recipe of examples/mnist/, measures the integer network on all test images."""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from common import ROOT

from snn2rtl.compiler import compile_network
from snn2rtl.data import mnist
from snn2rtl.data.samples import Samples
from snn2rtl.frontend import load
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.measure import metrics
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.training.tasks.mnist import MnistConfig

RECIPES = ROOT / "examples" / "mnist"


@dataclass(frozen=True)
class Job:
    """One training run: a recipe, maybe changed, and a seed."""

    name: str
    recipe: str
    changes: tuple[tuple[str, Any], ...] = ()
    seed: int = 0

    @property
    def folder(self) -> str:
        """Name of the run's folder."""
        return f"{self.name}-{self.seed}"

    def config(self) -> MnistConfig:
        """Return what is trained."""
        config = MnistConfig.from_file(RECIPES / f"{self.recipe}.toml")
        return replace(config, **dict(self.changes), seed=self.seed)


@dataclass(frozen=True)
class Measured:
    """The integer network of a run on all test images."""

    float_accuracy: float
    accuracy: float
    bits: int
    weights: int
    nonzero: int
    input_spikes: float
    spikes: float
    operations: float
    epochs: int
    seconds: float


def run(job: Job, runs: Path, data: Path | None) -> Measured:
    """Train a job, or go on with it, and measure it; what is measured already is read."""
    import torch

    from snn2rtl.training.trainer import Files, train_network

    torch.set_num_threads(1)
    logging.basicConfig(level=logging.INFO, format=f"{job.folder}: %(message)s", force=True)
    out = runs / job.folder
    found = out / "measured.json"
    config = job.config()
    if found.exists():
        kept = json.loads(found.read_text())
        if MnistConfig.from_dict(kept["config"]) == config:
            return Measured(**kept["measured"])
    results = train_network(config, Files(out=out, data=data), resume=(out / "checkpoint.pt").exists())
    network = compile_network(load(out / "model.pt"), QuantizeOptions(bits=PerLayer(config.bits or 8)))[0]
    seconds = sum(entry["seconds"] for entry in results["history"])
    measured = measure(network, data, results["accuracy"], config, seconds)
    found.write_text(json.dumps({"config": config.to_dict(), "measured": asdict(measured)}, indent=1))
    return measured


def measure(
    network: FixedPointNetwork, data: Path | None, float_accuracy: float, config: MnistConfig, seconds: float
) -> Measured:
    """Return what a training came to, as an integer network."""
    found = on_test_images(network, data)
    return Measured(float_accuracy=float_accuracy, epochs=config.epochs, seconds=seconds, **found)


def on_test_images(network: FixedPointNetwork, data: Path | None) -> dict[str, Any]:
    """Run the golden model on all test images; return the fields of Measured that say what a network is and does."""
    images, labels = mnist.load("test", data)
    activity = metrics.observe(network, Samples(images, None, network.encoder))
    events = [int(each.sum()) for each in activity.events.values()]
    synapses = [(one.source, one.synapses) for layer in network.populations for one in layer.forward]
    operations = sum(int(activity.events[source] @ each.fan_out) for source, each in synapses)
    total = len(images)
    return {
        "accuracy": 100 * int(np.sum(activity.classes == labels)) / total,
        "bits": max(layer.weight_bits for layer in network.populations),
        "weights": sum(each.stored.size for _, each in synapses),
        "nonzero": sum(int(each.fan_out.sum()) for _, each in synapses),
        "input_spikes": events[0] / total,
        "spikes": sum(events[1:]) / total,
        "operations": operations / total,
    }


def run_all(jobs: Sequence[Job], runs: Path, data: Path | None, workers: int) -> dict[Job, Measured]:
    """Run jobs side by side, each on one core."""
    with ProcessPoolExecutor(workers) as pool:
        futures = {job: pool.submit(run, job, runs, data) for job in jobs}
        return {job: future.result() for job, future in futures.items()}


def arguments(description: str) -> argparse.Namespace:
    """Return the options that the tables share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the MNIST files [cache or download]")
    parser.add_argument("--runs", type=Path, default=Path("runs/lab"), help="folder of the runs [%(default)s]")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each recipe [%(default)s]")
    parser.add_argument("--workers", type=int, default=2, help="runs side by side [%(default)s]")
    parser.add_argument("--only", nargs="*", help="these recipes only")
    return parser.parse_args()
