"""Exact pass: a late or stepped reset becomes a soft one where that makes the same spikes of every input."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

import numpy as np

from snn2rtl.int_net.intervals import membrane_range
from snn2rtl.int_net.neurons import Reset
from snn2rtl.int_net.neurons.firing import Firing
from snn2rtl.int_net.neurons.leaks import kept
from snn2rtl.int_net.population import Population


def fold_reset(layer: Population) -> Population:
    """Return the population with a soft reset where no input tells it from its own.

    late: without a leak it is the same to take reset_by before the leak or after it. With one it is not: in real
    numbers ``leak(h) - reset_by = leak(h - reset_by / leak(1))``, but the floors differ.

    stepped: with a soft reset no charged membrane reaches ``fire_at + reset_by``, so none keeps fire_at, and no
    neuron ever waits for the second threshold.
    """
    neuron = layer.neuron
    if not isinstance(neuron, Firing):  # what adapts has none of these
        return layer
    match neuron.reset:
        case Reset.HARD | Reset.SOFT | Reset.NONE:
            return layer
        case Reset.LATE:
            return _soft(layer) if np.all(kept(neuron.leak) == 1.0) else layer
        case Reset.STEPPED:
            soft = _soft(layer)
            return soft if np.all(membrane_range(soft).high < neuron.threshold.greatest) else layer
        case _:
            assert_never(neuron.reset)


def _soft(layer: Population) -> Population:
    assert isinstance(layer.neuron, Firing)
    return replace(layer, neuron=replace(layer.neuron, reset=Reset.SOFT))
