"""What quantizing cost a layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from snn2rtl.fixed_point import signed_range, trailing_zeros
from snn2rtl.float_net.layered import FloatLayer
from snn2rtl.float_net.nodes import FloatArray, Neuron
from snn2rtl.float_net.nodes import Integrator as FloatIntegrator
from snn2rtl.int_net.intervals import membrane_range_after, never_fires, never_saturates
from snn2rtl.int_net.neurons import AdaptiveLifNeuron, Integrating, Leak, Score, Spiking
from snn2rtl.int_net.neurons.leaks import dropped_bits
from snn2rtl.int_net.population import Population
from snn2rtl.passes.leaks import Tau, largest_error
from snn2rtl.passes.quantize_neurons import Steps
from snn2rtl.report import BitsFrom, LayerReport, LeakReport


@dataclass(frozen=True)
class WeightError:
    """Largest error in weight steps, and how many weights saturate or become zero."""

    largest: float
    saturated: int
    to_zero: int


def report_layer(
    floats: FloatLayer,
    layer: Population,
    of_rows: Steps,
    error: WeightError,
    time_steps: int,
    bits_from: BitsFrom,
    unit: int,
) -> LayerReport:
    """Return the report of a layer: the float one beside the integer one; of_rows are the steps of each row."""
    neuron, steps = floats.neuron, of_rows.repeated(floats.positions)
    found = membrane_range_after(layer, time_steps)
    leak = _leak(neuron.tau, layer.neuron.leak)
    return LayerReport(
        name=layer.name,
        inputs=layer.num_inputs,
        neurons=layer.num_neurons,
        weights=layer.num_weights,
        weight_bits=layer.weight_bits,
        bits_from=bits_from,
        dropped_steps=_dropped_steps(floats, steps),
        scale_min=float(steps.scale.step.min()),
        scale_max=float(steps.scale.step.max()),
        nonzero_weights=layer.num_nonzero,
        rounded_to_zero=error.to_zero,
        saturated_weights=error.saturated,
        weight_error=error.largest,
        bias_error=_largest(of_rows.repeated(floats.places).count(floats.bias) - layer.bias),
        leak_asked=leak.asked,
        leak_got=leak.got,
        input_max=unit,
        membrane_fraction=layer.weight_shift,
        membrane_bits=layer.neuron.membrane_bits,
        membrane_low=int(found.low.min()),
        membrane_high=int(found.high.max()),
        leak_floors=_leak_floors(layer, time_steps),
        may_saturate=not never_saturates(layer),
        time_steps=time_steps,
        **_of_the_kind(neuron, layer, steps, time_steps),
    )


def _dropped_steps(floats: FloatLayer, steps: Steps) -> int:
    """Return how many neurons have weights and another step than training chose; without weights any is as good."""
    if floats.step is None:
        return 0
    used = np.any([floats.rows(connection).any(axis=1) for connection in floats.inputs], axis=0)
    step, used = (np.repeat(values, floats.positions) for values in (floats.step, used))
    return int(np.count_nonzero((steps.scale.step != step) & used))


def _of_the_kind(neuron: Neuron | FloatIntegrator, layer: Population, steps: Steps, time_steps: int) -> dict[str, Any]:
    """Return the fields of the report that not every neuron has."""
    integer = layer.neuron
    values: dict[str, Any] = {"silent_neurons": 0}
    if integer.current_leak:
        values["synapse_leak"] = _leak(neuron.synapse_tau, integer.current_leak)
    if isinstance(integer, Integrating):
        values |= _score(integer, layer, time_steps)
    if isinstance(integer, Spiking) and isinstance(neuron, Neuron):
        wanted = steps.count(neuron.v_threshold)
        values["silent_neurons"] = int(np.count_nonzero(never_fires(layer)))
        # a membrane of whole steps is above a threshold where it reaches the next whole number
        values["threshold_error"] = _largest(np.ceil(wanted) - wanted)
        values["reset_error"] = _largest(wanted - integer.reset_by) if integer.reset.subtracts else 0.0
    if isinstance(integer, AdaptiveLifNeuron) and isinstance(neuron, Neuron) and neuron.grow is not None:
        values["adaptation_leak"] = _leak(neuron.adaptation_tau, integer.adaptation_leak)
        values["adaptation_floors"] = _drops(
            integer.adaptation_leak, trailing_zeros(integer.adaptation_step), time_steps
        )
        values["grow_error"] = _largest(steps.count(neuron.grow) - integer.adaptation_step)
    return values


def _score(neuron: Integrating, layer: Population, time_steps: int) -> dict[str, Any]:
    found, (low, high) = membrane_range_after(layer, time_steps), signed_range(neuron.membrane_bits)
    steps = time_steps if neuron.score is Score.SUM else 1
    return {
        "score": neuron.score.value,
        "score_bits": neuron.score_bits,
        "score_low": steps * max(low, int(found.low.min())),
        "score_high": steps * min(high, int(found.high.max())),
    }


def _leak_floors(layer: Population, time_steps: int) -> bool:
    """Return whether the floor of a leak can drop a bit: every step shifts the membrane's last bit further down.

    A bit of the current is shifted down in the current first and in the membrane then, once in every step.
    """
    neuron = layer.neuron
    zeros = min(trailing_zeros(one.synapses.stored) for one in layer.inputs) + layer.weight_shift
    zeros = min(zeros, trailing_zeros(layer.bias))
    if isinstance(neuron, Spiking):
        zeros = min(zeros, trailing_zeros(neuron.reset_by))
    leaks = [neuron.leak, neuron.current_leak] if neuron.current_leak else [neuron.leak]
    return any(_drops(leak, zeros, time_steps) for leak in leaks)


def _drops(leak: Leak, zeros: int, time_steps: int) -> bool:
    """Return whether a leak drops a bit within some steps of a state whose numbers end in so many zeros."""
    return dropped_bits(leak) * (time_steps - 1) > zeros


def _leak(tau: Tau, leak: Leak) -> LeakReport:
    return LeakReport(*largest_error(tau, leak))


def _largest(difference: FloatArray) -> float:
    return float(np.abs(difference).max())
