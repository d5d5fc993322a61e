"""The layers of PyTorch and SpikingJelly that have exact hardware here, as nodes.

Classes are matched exactly, for a subclass may compute anything.

Source: spikingjelly 2.0.0, activation_based: neuron, layer, surrogate, base (MemoryModule).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from reprlib import repr as short
from typing import Any, NamedTuple

from spikingjelly.activation_based import layer, neuron, surrogate
from torch import nn
from torch.nn.utils import prune

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.nodes import BatchNorm, Dropout, Flatten, Integrator, Linear, Neuron, Node, Vote
from snn2rtl.frontend import convolutions, norse, tensors

CONTAINERS = (nn.Sequential, layer.MultiStepContainer, layer.SeqToANNContainer, layer.StepModeContainer)
FLATTENS = (nn.Flatten, layer.Flatten)
LINEARS = (nn.Linear, layer.Linear)
BATCH_NORMS = (
    nn.BatchNorm1d, layer.BatchNorm1d, nn.BatchNorm2d, layer.BatchNorm2d, layer.ThresholdDependentBatchNorm1d,
    layer.ThresholdDependentBatchNorm2d,
)  # fmt: skip
DROPOUTS = (nn.Dropout, layer.Dropout, nn.Dropout1d, nn.Dropout2d, layer.Dropout2d)
VOTES = (layer.VotingLayer,)
NEURONS = (neuron.IFNode, neuron.LIFNode, neuron.ParametricLIFNode)
INTEGRATORS: tuple[type, ...] = tuple(
    getattr(neuron, name)
    for name in ("NonSpikingIFNode", "NonSpikingLIFNode")
    if hasattr(neuron, name)  # SpikingJelly 0.0.0.0.14 has none
)
SCORES = {"max-mem": "max", "mean-mem": "sum", "last_mem": "last", None: "max"}  # of an integrator's decode
RECURRENT = (layer.LinearRecurrentContainer, layer.ElementWiseRecurrentContainer)  # read where shapes are known
# These fire at ``x >= 0``; PoissonPass draws lots and MultiLevelSpikeCount counts, so they are not among them.
# SpikingJelly 0.0.0.0.14 lacks a few.
SURROGATES: tuple[type[nn.Module], ...] = tuple(
    getattr(surrogate, name)
    for name in (
        "ATan", "DeterministicPass", "Erf", "FakeNumericalGradient", "LeakyKReLU", "LogTailedReLU",
        "NonzeroSignLogAbs", "PiecewiseExp", "PiecewiseLeakyReLU", "PiecewiseQuadratic", "QPseudoSpike", "Rect",
        "S2NN", "Sigmoid", "SoftSign", "SquarewaveFourierSeries", "SuperSpike",
    )
    if hasattr(surrogate, name)
)  # fmt: skip
PRUNINGS = (
    prune.PruningContainer, prune.Identity, prune.RandomUnstructured, prune.L1Unstructured,
    prune.RandomStructured, prune.LnStructured, prune.CustomFromMask,
)  # fmt: skip
CLASSES: tuple[type, ...] = (
    *CONTAINERS, *FLATTENS, *LINEARS, *convolutions.CLASSES, *BATCH_NORMS, *DROPOUTS, *VOTES, *NEURONS,
    *INTEGRATORS, *SURROGATES, *PRUNINGS, nn.Identity,
)  # fmt: skip

# Modules that compute what the one module in them does, by the names of their classes, each with the name of that.
WRAPPERS = {
    "torch.nn.parallel.data_parallel.DataParallel": "module",
    "torch.nn.parallel.distributed.DistributedDataParallel": "module",
    "torch._dynamo.eval_frame.OptimizedModule": "_orig_mod",
}

FRAMEWORKS = ("snntorch", "sinabs", "rockpool", "lava", "bindsnet")  # nothing of these is read
NEURON_NAMES = "IFNode, LIFNode or ParametricLIFNode"
LAYER_NAMES = (
    "Linear, Conv1d, Conv2d, MaxPool1d, MaxPool2d, AvgPool1d, AvgPool2d, AdaptiveAvgPool1d, AdaptiveAvgPool2d, "
    f"Flatten, Unflatten, BatchNorm1d, BatchNorm2d, Dropout, VotingLayer, {NEURON_NAMES}"
)
TENSORS = (
    "weight",
    "weight_orig",
    "weight_mask",
    "weight_step",
    "bias",
    "bias_orig",
    "bias_mask",
    "running_mean",
    "running_var",
    "w",
)


class Place(NamedTuple):
    """A module with its path in the network and the multi-step container, if any, that it stands in."""

    path: str
    module: Any
    container: nn.Module | None = None


def node(path: str, module: Any) -> Node | None:
    """Return what a layer is, or None where it is nothing once a network is trained.

    Raises:
        UnsupportedModelError: it has no exact hardware here.
    """
    kind = type(module)
    if kind is nn.Identity or kind in CONTAINERS:
        return None
    found = {key: value for key in TENSORS if (value := getattr(module, key, None)) is not None}
    for kinds, read in _READERS:
        if kind in kinds:
            return read(path, module, found)
    raise UnsupportedModelError([f"layer '{path}': {unsupported(module)}"])


def unsupported(module: object) -> str:
    """Return what is wrong with a layer that is not read; the sentence reads on from its name."""
    kind = type(module)
    package = kind.__module__.partition(".")[0]
    if package in FRAMEWORKS:
        known = f"{NEURON_NAMES} of SpikingJelly, or {norse.NAMES} of Norse"
        return f"neuron must be {known}, not {kind.__name__} of {package}"
    if isinstance(module, neuron.BaseNode) or kind.__module__.startswith(neuron.__name__):
        rule = f"neuron must be {NEURON_NAMES}, not {kind.__name__}"
    else:
        rule = f"must be {LAYER_NAMES}, not {kind.__name__}"
    if kind in RECURRENT:
        return f"{rule}; give an example_input, for {kind.__name__} is read where shapes are known"
    is_own = isinstance(module, nn.Module) and not kind.__module__.startswith(("torch.", "spikingjelly."))
    return f"{rule}; build it of these, in a class whose forward() an example_input lets trace" if is_own else rule


def _linear(path: str, _: nn.Linear, found: tensors.Tensors) -> Linear:
    return tensors.linear(path, found)


def _dropout(path: str, _: nn.Module, __: tensors.Tensors) -> Dropout:
    return Dropout(name=path)


def _flatten(path: str, module: nn.Flatten, _: tensors.Tensors) -> Flatten:
    start, end = module.start_dim, module.end_dim
    # Axes before start_dim are samples like the batch, for every layer after it works on the last axis.
    if not (start >= 1 and end == -1):
        rule = "must keep the batch and join the rest (start_dim of at least 1, end_dim -1)"
        raise UnsupportedModelError([f"layer '{path}': {rule}, not start_dim {start}, end_dim {end}"])
    return Flatten(name=path)


def _batch_norm(path: str, module: nn.BatchNorm1d | nn.BatchNorm2d, found: tensors.Tensors) -> BatchNorm:
    if not {"running_mean", "running_var"} <= found.keys():
        rule = (
            "must have running statistics (track_running_stats=True), for without them its output depends on the batch"
        )
        raise UnsupportedModelError([f"layer '{path}': {rule}"])
    return tensors.batch_norm(path, found, float(module.eps))


def _neuron(path: str, module: Any, found: tensors.Tensors) -> Neuron:
    problems = _neuron_problems(module)
    tau: float | None = None
    if type(module) is neuron.LIFNode:
        tau = tensors.number(module.tau)
        if tau is None:
            problems.append(f"tau must be a number, not {short(module.tau)}")
    if problems:
        raise UnsupportedModelError([f"layer '{path}': {problem}" for problem in problems])
    if type(module) is neuron.ParametricLIFNode:
        tau = tensors.parametric_tau(path, found)
    return Neuron(
        name=path,
        tau=tau,
        v_threshold=tensors.number(module.v_threshold) or 0.0,
        v_reset=tensors.number(module.v_reset),
        decay_input=tau is not None and bool(module.decay_input),
    )


def _vote(path: str, module: Any, _: tensors.Tensors) -> Vote:
    return Vote(name=path, size=module.voting_size)


def _integrator(path: str, module: Any, _: tensors.Tensors) -> Integrator:
    problems = []
    if module.decode not in SCORES:
        *kinds, last = map(repr, SCORES)
        problems.append(f"decode must be {', '.join(kinds)} or {last}, not {module.decode!r}")
    tau = tensors.number(getattr(module, "tau", 1.0))
    if tau is None:
        problems.append(f"tau must be a number, not {short(module.tau)}")
    if problems:
        raise UnsupportedModelError([f"layer '{path}': {problem}" for problem in problems])
    leaks = hasattr(module, "tau")
    return Integrator(name=path, tau=tau if leaks else None, score=SCORES[module.decode], decay_input=leaks)


def _neuron_problems(module: Any) -> list[str]:
    problems = []
    if tensors.number(module.v_threshold) is None:
        problems.append(f"v_threshold must be a number, not {short(module.v_threshold)}")
    rest = 0.0 if module.v_reset is None else tensors.number(module.v_reset)
    if rest is None:
        problems.append(f"v_reset must be a number or None, not {short(module.v_reset)}")
    else:
        start = module._memories_rv["v"]  # get_reset_value("v"), which SpikingJelly 0.0.0.0.14 lacks
        if tensors.number(start) != rest:
            problems.append(f"membrane must start a sample at {rest}, its rest potential, not at {short(start)}")
    gradient = module.surrogate_function
    if type(gradient) not in SURROGATES:
        problems.append(f"surrogate_function must fire at x >= 0, as Sigmoid or ATan, not {type(gradient).__name__}")
    elif not gradient.spiking:
        problems.append("surrogate_function must be spiking, not spiking=False; call set_spiking_mode(True)")
    precision = getattr(module, "_neuron_precision", None)
    if precision is not None:
        problems.append(f"neuron precision must be the default, not {precision!r}")
    return problems


_READERS: tuple[tuple[tuple[type, ...], Callable[[str, Any, tensors.Tensors], Node]], ...] = (
    (LINEARS, _linear),
    (convolutions.CLASSES, convolutions.read),
    (BATCH_NORMS, _batch_norm),
    (NEURONS, _neuron),
    (INTEGRATORS, _integrator),
    (VOTES, _vote),
    (FLATTENS, _flatten),
    (DROPOUTS, _dropout),
)


def step_mode_problems(places: Sequence[Place]) -> list[str]:
    """Return where time steps would be taken for samples.

    A layer in a container must be single-step, and a neuron there must see the steps one by one. Outside of
    containers, neurons must be multi-step where anything else is.
    """
    problems = []
    multi = {place.path for place in places if place.container is None and is_multi(place.module)}
    for path, module, container in places:
        if container is None:
            if multi and type(module) in NEURONS and not is_multi(module):
                advice = "call functional.set_step_mode(net, 'm')"
                problems.append(f"layer '{path}': step_mode must be 'm' like that of '{min(multi)}', not 's'; {advice}")
            continue
        inside = f"inside of {type(container).__name__}"
        if is_multi(module):
            problems.append(f"layer '{path}': step_mode must be 's' {inside}, not 'm'")
        elif type(module) in NEURONS and _merges_steps(container):
            problems.append(f"layer '{path}': neuron must not be {inside}, which takes time steps for samples")
    return problems


def is_multi(module: object) -> bool:
    """Return whether a layer takes all time steps in one call."""
    if type(module) in (layer.MultiStepContainer, layer.SeqToANNContainer, *INTEGRATORS):
        return True
    return type(module) in CLASSES and getattr(module, "_step_mode", "s") == "m"


def _merges_steps(container: nn.Module) -> bool:
    if type(container) is layer.StepModeContainer:
        return not container.stateful
    return type(container) is layer.SeqToANNContainer
