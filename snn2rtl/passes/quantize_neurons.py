"""From float neurons to integer neurons, all of whose numbers are counted in membrane steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from snn2rtl.errors import QuantizationError
from snn2rtl.fixed_point import IntArray, round_half_even, signed_bits, snap
from snn2rtl.float_net.nodes import FloatArray, Neuron
from snn2rtl.float_net.nodes import Integrator as FloatIntegrator
from snn2rtl.int_net.intervals import membrane_range_after
from snn2rtl.int_net.neurons import (
    MAX_MEMBRANE_BITS,
    AdaptiveLifNeuron,
    CubaIntegrator,
    CubaLifNeuron,
    Integrating,
    Integrator,
    Leak,
    LifNeuron,
    Reset,
    Score,
)
from snn2rtl.int_net.neurons import Neuron as IntegerNeuron
from snn2rtl.int_net.neurons.leaks import gain_bits, kept
from snn2rtl.int_net.population import Population
from snn2rtl.options import QuantizeOptions
from snn2rtl.passes.leaks import Tau, choose_leak
from snn2rtl.passes.scale import MOST_STEPS, Scale


@dataclass(frozen=True, eq=False)
class Steps:
    """The scale of the weights, how many membrane steps a weight step is, and what passes for one of those."""

    scale: Scale
    membrane: int
    slack: FloatArray

    def count(self, value: FloatArray | float) -> FloatArray:
        """Return a value of each neuron in membrane steps, without what float rounding added."""
        with np.errstate(over="ignore"):  # what is infinite does not fit
            return snap(value / self.scale.step * self.membrane, self.slack)

    def repeated(self, times: int) -> Steps:
        """Return the steps of neurons that share a row of weights, so many of each row."""
        if times == 1:
            return self
        scale = Scale(np.repeat(self.scale.step, times), np.repeat(self.scale.slack, times))
        return Steps(scale, self.membrane, np.repeat(self.slack, times))

    def count_weights(self, weight: FloatArray, rows: slice) -> FloatArray:
        """Return the weights of some neurons in weight steps, without what float rounding added."""
        return snap(weight[rows] / self.scale.step[rows, None], self.scale.slack[rows, None])


def bias_of(bias: FloatArray, steps: Steps) -> IntArray:
    """Return the bias in membrane steps.

    Raises:
        QuantizationError: it does not fit.
    """
    return _fitting("bias", steps.count(bias))


def integer_neuron(
    neuron: Neuron | FloatIntegrator, neurons: int, steps: Steps, options: QuantizeOptions
) -> IntegerNeuron:
    """Return the integer neurons, with membranes of the greatest width.

    Raises:
        QuantizationError: a number does not fit.
    """
    bits, leak = MAX_MEMBRANE_BITS, choose_leak(neuron.tau, options)
    synapse: dict[str, Any] = (
        {} if neuron.synapse_tau is None else {"synapse_leak": _surely_leaking(neuron, "synapse_tau", options)}
    )
    if isinstance(neuron, FloatIntegrator):
        kind = CubaIntegrator if synapse else Integrator
        score = Score(neuron.score)
        return kind(neurons=neurons, leak=leak, membrane_bits=bits, score=score, score_bits=bits, **synapse)
    reset = Reset(neuron.reset_kind)
    fire_at, reset_by = _thresholds(neuron, reset, steps)
    values: dict[str, Any] = {"fire_at": fire_at, "reset_by": reset_by, "leak": leak, "membrane_bits": bits}
    values["reset"] = reset
    if neuron.grow is not None:
        _check_adaptive(neuron, reset)
        adaptation_leak = _surely_leaking(neuron, "adaptation_tau", options)
        reach = gain_bits("adaptation_leak", adaptation_leak, neurons)
        # more than the greatest silences a neuron no more than that does
        step = round_half_even(np.minimum(steps.count(neuron.grow), (1 << MAX_MEMBRANE_BITS - 1 - reach) - 1))
        return AdaptiveLifNeuron(**values, adaptation_step=step, adaptation_leak=adaptation_leak)
    values["refractory"] = neuron.refractory
    return CubaLifNeuron(**values, **synapse) if synapse else LifNeuron(**values)


def _check_adaptive(neuron: Neuron, reset: Reset) -> None:
    where = f"of '{neuron.name}', which adapts,"
    match reset:
        case Reset.LATE | Reset.STEPPED:
            raise QuantizationError(f"reset {where} must be hard, soft or none, not {reset.value}")
        case Reset.HARD | Reset.SOFT | Reset.NONE:
            if neuron.refractory:
                raise QuantizationError(f"refractory {where} must be 0 steps, not {neuron.refractory}")
        case _:
            assert_never(reset)


def _surely_leaking(neuron: Neuron | FloatIntegrator, key: str, options: QuantizeOptions) -> Leak:
    tau: Tau = getattr(neuron, key)
    leak = choose_leak(tau, options)
    if np.max(kept(leak)) == 1.0:
        raise QuantizationError(
            f"{key} of '{neuron.name}' must leave a leak of {options.leak_bits} bits, "
            f"not be as long as {np.max(np.asarray(tau)):.6g}; give more --leak-bits"
        )
    return leak


def _thresholds(neuron: Neuron, reset: Reset, steps: Steps) -> tuple[IntArray, IntArray]:
    """Return fire_at and reset_by; a membrane of whole steps reaches the threshold where it reaches its ceiling.

    Above the threshold it is from the next whole number on.
    """
    wanted = steps.count(neuron.v_threshold)
    fire_at = _fitting("threshold", np.floor(wanted) + 1 if neuron.strict else np.ceil(wanted))
    if not reset.subtracts:
        if neuron.refractory and np.any(fire_at <= 0):
            raise QuantizationError(
                f"threshold must be positive with refractory {neuron.refractory}, not {np.min(neuron.v_threshold)}"
            )
        return fire_at, np.zeros_like(fire_at)
    if np.any(np.asarray(neuron.v_threshold) <= 0):
        raise QuantizationError(
            f"threshold must be positive with a {reset.value} reset, not {np.min(neuron.v_threshold)}"
        )
    return fire_at, np.maximum(_fitting("threshold", wanted), 1)


def negligible(
    currents: FloatArray,
    neuron: Neuron | FloatIntegrator,
    others: FloatArray,
    scale: Scale,
    bits: int,
    options: QuantizeOptions,
    time_steps: int,
) -> NDArray[np.bool_]:
    """Return which neurons have weights that are nothing beside their bias and threshold, shape (neurons,).

    In steps of such weights no membrane holds the threshold, or what the bias adds up to in a sample; or the membrane
    would be wide although nothing that arrives in a sample takes it to the threshold.

    Args:
        currents: the greatest that a step can bring to each row of weights, bias included, shape (rows,).
        neuron: the float neurons.
        others: largest bias and, of neurons that fire, threshold, in what stands for weight steps, (rows, 1 or 2).
        scale: of the weights.
        bits: width of the integer weights.
        options: for the leaks.
        time_steps: of a sample.

    Raises:
        QuantizationError: a leak does not leak.
    """
    adds_up = float(time_steps if neuron.tau is None else min(time_steps, np.max(neuron.tau)))
    if neuron.synapse_tau is not None:
        leak = _surely_leaking(neuron, "synapse_tau", options)
        reach = 1 << gain_bits("synapse_leak", leak, len(others))
        adds_up = max(reach, adds_up * min(time_steps, np.max(neuron.synapse_tau)))
    with np.errstate(over="ignore"):  # what is infinite does not fit
        counts = np.abs(others) / scale.step[:, None]
        found: NDArray[np.bool_] = counts[:, 0] * adds_up >= MOST_STEPS
        if isinstance(neuron, Neuron):
            found |= counts[:, 1] >= MOST_STEPS
            wide = 2.0 ** max(32, 2 * bits + 2)  # in steps that hold the threshold the weights are below a half
            found |= (counts[:, 1] >= wide) & _cannot_fire(currents, neuron, time_steps)
    return found


def _cannot_fire(currents: FloatArray, neuron: Neuron, time_steps: int) -> NDArray[np.bool_]:
    """Return which neurons do not come to their threshold in a sample, whatever arrives and if nothing leaks."""
    reached = currents * float(time_steps) ** (1 if neuron.synapse_tau is None else 2)
    least = np.broadcast_to(neuron.v_threshold, max(len(currents), np.size(neuron.v_threshold)))
    silent: NDArray[np.bool_] = reached < least.reshape(len(currents), -1).min(axis=1)
    return silent


def _fitting(what: str, values: FloatArray) -> IntArray:
    limit = 2.0 ** (MAX_MEMBRANE_BITS - 1)
    worst = float(np.abs(values).max())
    if not worst < limit:
        raise QuantizationError(
            f"{what} must stay under 2**{MAX_MEMBRANE_BITS - 1} weight steps, not reach {worst:.3g}; "
            "give the layer fewer --bits or less --membrane-fraction, or --scale neuron"
        )
    return round_half_even(values)


def size_membrane(layer: Population, asked: int, time_steps: int) -> Population:
    """Return the layer with the asked membrane width, or with one that ``time_steps`` steps cannot fill.

    Raises:
        QuantizationError: the width that is asked for, or the greatest one, is too narrow.
    """
    found = membrane_range_after(layer, time_steps)
    neuron = layer.neuron
    lowest = highest = 0
    if neuron.spikes:
        lowest = int(neuron.fire_at.min())
        fires_at = neuron.threshold.greatest if neuron.reset is Reset.STEPPED else neuron.fire_at
        highest = max(int(fires_at.max()), int(neuron.reset_by.max()))
    least = signed_bits(min(lowest - 1, 0), max(highest, 0))
    needed = max(found.bits, least)
    if not asked and needed > MAX_MEMBRANE_BITS:
        raise QuantizationError(
            f"membrane must need at most {MAX_MEMBRANE_BITS} bits, not {needed}; "
            "choose a width at which it saturates with --membrane-bits"
        )
    if asked and asked < least:
        raise QuantizationError(
            f"membrane must have at least {least} bits to reach the threshold {max(lowest, highest, key=abs)}, "
            f"not {asked}"
        )
    bits = max(2, asked or needed)
    if not neuron.spikes:
        return replace(
            layer, neuron=replace(neuron, membrane_bits=bits, score_bits=_score_bits(neuron, bits, time_steps))
        )
    return replace(layer, neuron=replace(neuron, membrane_bits=bits))


def _score_bits(neuron: Integrating, membrane_bits: int, time_steps: int) -> int:
    """Return the width of a score; a sum of ``time_steps`` membranes fits, unless no width is great enough."""
    more = (time_steps - 1).bit_length() if neuron.score is Score.SUM else 0
    return min(MAX_MEMBRANE_BITS, membrane_bits + more)
