"""Populations of float and of integer networks in the words of NIR: what a step takes of a state, where they fire."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from snn2rtl.fixed_point import IntArray
from snn2rtl.float_net.layered import FloatConnection, FloatLayer, LayeredNetwork
from snn2rtl.float_net.nodes import FloatArray, Neuron, decay
from snn2rtl.float_net.nodes import Integrator as FloatIntegrator
from snn2rtl.int_net.intervals import never_saturates
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.neurons import KINDS, Leak, NoLeak, Reset
from snn2rtl.int_net.neurons.leaks import dropped_bits, kept
from snn2rtl.int_net.population import Connection, Population
from snn2rtl.int_net.synapses import Convolution
from snn2rtl.windows import Shape

_FRACTION = 12  # bits below a step by which a threshold is less, at most
_PRECISION = 24  # bits of a float32
_HAS_MEMBRANE = ("lif", "current", "integrator", "current_integrator")


@dataclass(eq=False)
class Exported:
    """A population. taken, current_taken: the fraction of the membrane, and of the current, that a step takes.

    Both have shape (neurons,); current_taken is None where there is no current. above: fires where the membrane is
    above this, None for integrators. is_soft: whether a spike subtracts it. losses: what NIR does not say of it.
    problems: what it cannot say.
    """

    name: str
    shape: Shape
    inputs: tuple[FloatConnection, ...]
    bias: FloatArray
    taken: FloatArray
    current_taken: FloatArray | None
    above: FloatArray | None
    is_soft: bool
    losses: list[str]
    problems: list[str]


def of_float(layer: FloatLayer) -> Exported:
    """Return a layer as fold_neurons() leaves it."""
    neuron, size = layer.neuron, len(layer.bias)
    made = Exported(
        name=layer.name,
        shape=layer.shape,
        inputs=layer.inputs,
        bias=layer.bias,
        taken=np.broadcast_to(decay(neuron.tau), size),
        current_taken=None if neuron.synapse_tau is None else np.broadcast_to(decay(neuron.synapse_tau), size),
        above=None,
        is_soft=isinstance(neuron, Neuron) and neuron.reset_kind == "soft",
        losses=[],
        problems=[],
    )
    if isinstance(neuron, FloatIntegrator):
        return made
    threshold = np.broadcast_to(np.asarray(neuron.v_threshold, np.float64), size)
    made.above = threshold if neuron.strict else _below(threshold)
    if not neuron.strict and made.is_soft:
        made.losses.append("fires at the threshold, NIR above it: a spike subtracts 6e-8 of the threshold less")
    if neuron.grow is not None:
        made.problems.append("NIR has no neurons whose threshold adapts")
    made.problems += _reset_problems(neuron.reset_kind, neuron.refractory)
    return made


def _reset_problems(kind: str, refractory: int) -> list[str]:
    named = f"NIR has no reset '{kind}', only one to a potential (hard) or by the threshold (soft)"
    problems = [named] if kind not in ("hard", "soft") else []
    return problems + ["NIR has no steps in which neurons rest after a spike (refractory)"] * (refractory > 0)


def _below(threshold: FloatArray) -> FloatArray:
    """Return the greatest number of float32 below each threshold: a number of float32 is above it or not at it."""
    near = threshold.astype(np.float32)
    at = np.where(near < threshold, np.nextafter(near, np.float32(np.inf)), near)
    return np.nextafter(at, np.float32(-np.inf)).astype(np.float64)


def of_integers(layer: Population, network: FixedPointNetwork) -> Exported:
    """Return a population, with membranes in its own steps."""
    neuron, size = layer.neuron, layer.num_neurons
    made = Exported(
        name=layer.name,
        shape=layer.shape,
        inputs=tuple(_connection(one, layer) for one in layer.inputs),
        bias=layer.bias.astype(np.float64),
        taken=np.broadcast_to(1.0 - kept(neuron.leak), size),
        current_taken=None if neuron.current_leak is None else np.broadcast_to(1.0 - kept(neuron.current_leak), size),
        above=None,
        is_soft=False,
        losses=[],
        problems=[],
    )
    kind = next((name for name, cls in KINDS.items() if type(neuron) is cls), type(neuron).__name__)
    if kind not in _HAS_MEMBRANE:
        made.problems.append(f"NIR has no neurons of the kind '{kind}'")
        return made
    for what, leak in (("membrane", neuron.leak), ("current", neuron.current_leak or NoLeak())):
        if _floors(leak):
            made.losses.append(f"the leak floors the {what} to whole steps, NIR's drops nothing")
    if not never_saturates(layer):
        made.losses.append(f"the membrane saturates at {neuron.membrane_bits} bits in long samples, NIR's never")
    if neuron.spikes:
        made.is_soft = neuron.reset is Reset.SOFT
        made.problems += _reset_problems(neuron.reset.value, getattr(neuron, "refractory", 0))
        _threshold(made, neuron.fire_at, neuron.reset_by)
    return made


def _floors(leak: Leak) -> bool:
    return not isinstance(leak, NoLeak) and dropped_bits(leak) > 0


def _threshold(made: Exported, fire_at: IntArray, reset_by: IntArray) -> None:
    """Set above, for membranes of whole steps: half a step below fire_at where a spike does not subtract it."""
    unit = _unit(made, reset_by)
    fires, subtracted = (-(-fire_at // unit) * unit).astype(np.float64), reset_by.astype(np.float64)
    if not made.is_soft:
        made.above = fires - unit / 2
    else:
        made.above = subtracted
        if not np.array_equal(subtracted, fires - unit):
            _subtract(made, fires, unit)
    if np.any(made.above.astype(np.float32) != made.above):
        made.losses.append("thresholds take more bits than the 24 of float32, in which most tools compute")


def _unit(made: Exported, reset_by: IntArray) -> int:
    """Return the power of two of which all membranes are multiples: without a leak that of all that is added."""
    if made.taken.any() or made.current_taken is not None:
        return 1
    parts = [made.bias, reset_by, *(connection.weight for connection in made.inputs)]
    bits = int(np.bitwise_or.reduce([int(np.bitwise_or.reduce(part.astype(np.int64), axis=None)) for part in parts]))
    return bits & -bits or 1


def _subtract(made: Exported, fires: FloatArray, unit: int) -> None:
    """Set above for neurons that fire at what a spike subtracts, a little less, for NIR fires above it."""
    assert made.above is not None
    subtracted = made.above
    if not np.all((subtracted == fires) | (subtracted == fires - unit)):
        made.problems.append("fires at one number and subtracts another, NIR has one for both")
    bits = min(_FRACTION, _PRECISION - int(np.abs(fires).max() / unit).bit_length())
    if bits < 1:
        made.problems.append("fires at its threshold, NIR above it, and float32 holds no number between two steps")
    made.above = np.where(subtracted == fires, subtracted - unit * 2.0**-bits, subtracted)
    steps = (1 << max(bits, 0)) - 1
    made.losses.append(f"fires at the threshold, NIR above it: the same spikes in samples of at most {steps:,} steps")


def _connection(one: Connection, layer: Population) -> FloatConnection:
    gain = float(one.value_of_one << layer.weight_shift)
    synapses = one.synapses
    if not isinstance(synapses, Convolution):
        made = FloatConnection(source=one.source, weight=np.asarray(synapses.matrix * gain, np.float64))
    else:
        kernel = np.asarray(synapses.weight * gain, np.float64)
        made = FloatConnection(source=one.source, weight=kernel, windows=synapses.windows, groups=synapses.groups)
    return replace(made, delay=one.delay, previous_step=one.previous_step)


def populations(network: LayeredNetwork | FixedPointNetwork) -> dict[str, Exported]:
    """Return the populations of a network, by name; a float one as fold_neurons() leaves it."""
    if isinstance(network, LayeredNetwork):
        return {layer.name: of_float(layer) for layer in network.layers}
    return {layer.name: of_integers(layer, network) for layer in network.populations}
