"""A network in hardware: its accuracy, its cycles in Verilator beside the golden model, its size when synthesised."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from mnist_lab import Job, on_test_images, run

import snn2rtl
from snn2rtl.compiler import compile_network
from snn2rtl.data import mnist
from snn2rtl.data.samples import Samples
from snn2rtl.flows.synth import synthesise
from snn2rtl.folder import OutputFolder, open_folder
from snn2rtl.frontend import load
from snn2rtl.int_net import network_file
from snn2rtl.int_net.chain import layers_of
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.options import PerLayer, QuantizeOptions, RtlOptions
from snn2rtl.verify.engines import Stalls
from snn2rtl.verify.verify import verify

IMAGES = 1000  # the first test images: cycles and latency
CALIBRATION = 1000  # the first training images: which neurons and inputs fire how often

Parts = tuple[tuple[str, str | None], ...]
ECP5_AND_XC7: Parts = (("ecp5", None), ("xc7", None))

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Point:
    """An integer network, or the training that makes one, in hardware; with the parts (target, device) it goes into."""

    name: str
    source: Path | Job
    lanes: int = 16
    beat_pixels: int = 0
    parts: Parts = ECP5_AND_XC7
    layout: str = "auto"

    def described(self) -> dict[str, Any]:
        """Return all that the result depends on, apart from the programs."""
        if isinstance(self.source, Job):
            source = self.source.config().to_dict()
        else:
            source = {"sha256": hashlib.sha256(self.source.read_bytes()).hexdigest()}
        described = {"source": source, "lanes": self.lanes, "beat_pixels": self.beat_pixels, "parts": self.parts}
        if self.layout != "auto":
            described["layout"] = self.layout
        return dict(json.loads(json.dumps(described)))


def measured(point: Point, runs: Path, work: Path, data: Path | None) -> dict[str, Any]:
    """Return what a point takes; a training is gone on with, and what is measured already is read."""
    result = work / point.name / "result.json"
    if result.is_file():
        kept: dict[str, Any] = json.loads(result.read_text())
        if kept["point"] == point.described():
            return kept
    network = _network(point.source, runs, data)
    log.info("%s: compile, verify, synthesise", point.name)
    options = RtlOptions(
        lanes=PerLayer(point.lanes), beat_pixels=point.beat_pixels, layout=PerLayer("auto", {"fc1": point.layout})
    )
    calibration = partial(_images, "train", CALIBRATION, data)
    snn2rtl.compile(network, result.parent / "rtl", rtl=options, calibration=calibration)
    folder = open_folder(result.parent / "rtl")
    found = {
        "point": point.described(),
        **_described(network, data),
        **_hardware(folder, data),
        **{target: synthesise(folder.path, target, device=device).to_dict() for target, device in point.parts},
    }
    result.write_text(json.dumps(found, indent=1))
    return found


def _network(source: Path | Job, runs: Path, data: Path | None) -> FixedPointNetwork:
    if isinstance(source, Path):
        return network_file.load(source)
    run(source, runs, data)
    return compile_network(
        load(runs / source.folder / "model.pt"), QuantizeOptions(bits=PerLayer(source.config().bits))
    )[0]


def _described(network: FixedPointNetwork, data: Path | None) -> dict[str, Any]:
    """Return what the network is, and what the golden model says of it on all test images."""
    assert network.encoder is not None
    found = on_test_images(network, data)
    return {
        "sizes": "-".join(map(str, (network.num_inputs, *(layer.num_neurons for layer in layers_of(network))))),
        "time_steps": network.encoder.time_steps,
        "pruned": 1 - found["nonzero"] / found["weights"],
        **found,
    }


def _hardware(folder: OutputFolder, data: Path | None) -> dict[str, Any]:
    """Return the memory of the layers, and the cycles of images in a row and of those that come alone."""
    samples = _images("test", IMAGES, data, folder.network)
    verdicts = {
        name: verify(folder, samples, "verilator", stalls, lambda _: None, jobs=1).to_dict()
        for name, stalls in (("in_a_row", Stalls()), ("alone", Stalls(alone=True)))
    }
    layers = [
        {
            "layout": layer.layout.kind,
            "bits": layer.costs[layer.layout.kind].bits,
            "entropy_bits": layer.entropy_bits,
        }
        for layer in folder.design.layers
    ]
    return {"layers": layers, **verdicts}


def _images(split: Any, count: int, data: Path | None, network: FixedPointNetwork) -> Samples:
    images, labels = mnist.load(split, data)
    return Samples(images[:count].reshape(count, -1), labels[:count].astype(np.int64), network.encoder)
