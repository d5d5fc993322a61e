"""Studies over hardware: a trial is a compiled design, judged by the golden model and the cost model.

Only designs that no other beats are synthesised, afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from optuna import Study

from snn2rtl import nir
from snn2rtl.api import Compiled, compile, read_model
from snn2rtl.config import Config, option
from snn2rtl.data.samples import Samples, samples_for
from snn2rtl.errors import OptionError
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.flows.synth import synthesise
from snn2rtl.int_net import network_file, reference
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.options import PerLayer, QuantizeOptions, RtlOptions
from snn2rtl.progress import bar
from snn2rtl.rtl.estimate import cycles
from snn2rtl.rtl.layouts import LAYOUTS
from snn2rtl.rules import OneOf, between
from snn2rtl.studies.setup import Objective, Setup
from snn2rtl.studies.space import Choices, Space
from snn2rtl.studies.worker import Report, Try

OBJECTIVES = {
    "accuracy": Objective("maximize", "accuracy, %"),
    "cycles": Objective("minimize", "cycles a sample, estimated"),
    "memory": Objective("minimize", "memory, bits"),
}
_CYCLE_SAMPLES = 50
_FLOAT_ONLY = ("bits", "time_steps")  # what an integer network has already


@dataclass(frozen=True, kw_only=True)
class DesignConfig(Config):
    """One design.

    Raises:
        OptionError: a value is out of its range; every problem is named.
    """

    model: str = option("", "file, as compile takes it")
    bits: int = option(8, "weight width of every layer", between(1, 16))
    time_steps: int = option(0, "time steps of a sample, 0 for the model's", between(0, 1 << 16))
    lanes: int = option(16, "lanes of every layer", between(1, 1024))
    layout: str = option("auto", "layout of every layer", OneOf(("auto", *LAYOUTS)))

    def rtl(self) -> RtlOptions:
        """Return the options of the hardware."""
        return RtlOptions(lanes=PerLayer(self.lanes), layout=PerLayer(self.layout))


def make_setup(models: list[Path], space: Space, objectives: Mapping[str, Objective]) -> Setup[DesignConfig]:
    """Return the setup of a study over designs of some models; a space of choices alone is swept.

    Raises:
        OptionError: as Setup, or the space varies what an integer network has already.
    """
    integer = [str(path) for path in models if network_file.is_named(path)]
    fixed = [name for name in _FLOAT_ONLY if name in space]
    if integer and fixed:
        raise OptionError(f"search {fixed[0]}: must not be varied for an integer network, which {integer[0]} is")
    if asking := [str(path) for path in models if nir.is_named(path)]:
        rule = f"must be files that say all of their network, not {asking[0]}, of NIR; give it to compile --out net.npz"
        raise OptionError(f"models: {rule}, and explore that")
    names = tuple(map(str, models))
    if len(set(names)) < len(names):
        raise OptionError(f"models: each must be given once, not {', '.join(names)}")
    if len(names) > 1:
        space = {"model": Choices(names), **space}
    return Setup(base=DesignConfig(model=names[0]), space=space, objectives=objectives, sweep=size(space) is not None)


def size(space: Space) -> int | None:
    """Return the designs of a space, None for one that has ranges."""
    if not all(isinstance(dimension, Choices) for dimension in space.values()):
        return None
    return math.prod(len(dimension.probes()) for dimension in space.values())


def trier(data: Path, limit: int | None) -> Try[DesignConfig]:
    """Return the function that compiles a design and judges it on the samples of a file."""

    def attempt(config: DesignConfig, out: Path, report: Report) -> dict[str, float]:
        compiled = build(config, data, limit)
        network, design = compiled.network, compiled.design
        assert compiled.accuracy
        inputs = _samples(network, data, min(limit or _CYCLE_SAMPLES, _CYCLE_SAMPLES))
        some = inputs.inputs(0, len(inputs))
        return {
            "accuracy": 100 * compiled.accuracy.after,
            "cycles": float(cycles(network, design, some, reference.run(network, some)).mean()),
            "memory": sum(layer.rom_bits + layer.state_bits for layer in design.layers),
        }

    return attempt


def build(config: DesignConfig, data: Path, limit: int | None, out: Path | None = None) -> Compiled:
    """Compile a design, with neurons placed by what fires on the samples of a file."""
    source = read_model(config.model)
    quantize = None
    if isinstance(source, SpikingNetwork):
        quantize = QuantizeOptions(bits=PerLayer(config.bits))
        if config.time_steps and source.encoder:
            source = replace(source, encoder=replace(source.encoder, time_steps=config.time_steps))
    return compile(
        source, out, quantize=quantize, rtl=config.rtl(), calibration=lambda network: _samples(network, data, limit)
    )


def _samples(network: FixedPointNetwork, data: Path, limit: int | None) -> Samples:
    return samples_for(network, data, limit=limit)


def synthesise_front(
    study: Study, setup: Setup[DesignConfig], data: Path, limit: int | None, out: Path, target: str
) -> dict[int, dict[str, Any]]:
    """Return what the designs of the front take on a device, by trial; the study keeps it, and none is done twice."""
    trials = study.best_trials
    with bar(f"synthesis for {target}", len(trials)) as advance:
        for trial in trials:
            if _key(target, trial.number) not in study.user_attrs:
                folder = out / "trials" / str(trial.number) / "rtl"
                build(setup.config(trial.params), data, limit, folder)
                study.set_user_attr(_key(target, trial.number), synthesise(folder, target).to_dict())
            advance(1)
    found = study.user_attrs
    return {trial.number: found[_key(target, trial.number)] for trial in trials}


def _key(target: str, number: int) -> str:
    return f"synthesis-{target}-{number}"
