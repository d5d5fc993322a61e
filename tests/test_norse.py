"""Norse's neurons, step by step: every spike and membrane of the golden model is Norse's, in dyadic numbers.

A membrane step is ``2**-SHIFT`` of a weight times the membrane's leak: then every product of a leak is a whole number.
"""

import numpy as np
import pytest
import torch
from norse.torch import LIFCell, LIFParameters, LIFRecurrentCell

from snn2rtl.int_net.chain import DenseLayer, chain_of
from snn2rtl.int_net.neurons import CubaLifNeuron, Reset, ShiftLeak
from snn2rtl.int_net.reference import run

DT, STEPS, SAMPLES, INPUTS, NEURONS, SHIFT = 2.0**-10, 8, 5, 4, 6, 16
MEMBRANE, SYNAPSE = 2, 1  # leaks as shifts: dt / tau = 2**-shift


def parameters(threshold: float) -> LIFParameters:
    """Return dyadic parameters in float64."""
    numbers = (2.0**-SYNAPSE / DT, 2.0**-MEMBRANE / DT, 0.0, threshold, 0.0)
    return LIFParameters(*(torch.tensor(number, dtype=torch.float64) for number in numbers))


def layer(weight: np.ndarray, recurrent: np.ndarray | None, threshold: float) -> DenseLayer:
    """Return the layer that is Norse's: it fires above its threshold, so fire_at is the least integer above it."""
    at = int(threshold * 2 ** (SHIFT + MEMBRANE)) + 1
    neuron = CubaLifNeuron(
        fire_at=np.full(NEURONS, at),
        reset_by=np.zeros(NEURONS, int),
        reset=Reset.HARD,
        leak=ShiftLeak(MEMBRANE),
        membrane_bits=40,
        synapse_leak=ShiftLeak(SYNAPSE),
    )
    bias = np.zeros(NEURONS, int)
    return DenseLayer(
        name="lif", weight=weight, weight_bits=8, weight_shift=SHIFT, bias=bias, neuron=neuron, recurrent=recurrent
    )


@pytest.mark.parametrize("is_recurrent", [False, True])
@pytest.mark.parametrize("threshold", [1.0, 2.25, 3.0])
def test_lif_cells(is_recurrent, threshold):
    rng = np.random.default_rng(3)
    weight = rng.integers(-8, 17, (NEURONS, INPUTS))
    recurrent = rng.integers(-8, 9, (NEURONS, NEURONS)) if is_recurrent else None
    spikes = rng.integers(0, 2, (STEPS, SAMPLES, INPUTS), dtype=np.uint8)
    inputs = torch.tensor(spikes, dtype=torch.float64)
    cell = LIFCell(parameters(threshold), dt=DT)
    if recurrent is not None:
        cell = LIFRecurrentCell(INPUTS, NEURONS, parameters(threshold), autapses=True, dt=DT)
        cell.input_weights = torch.nn.Parameter(torch.tensor(weight, dtype=torch.float64))
        cell.recurrent_weights = torch.nn.Parameter(torch.tensor(recurrent, dtype=torch.float64))
    else:
        inputs = inputs @ torch.tensor(weight.T, dtype=torch.float64)
    network = chain_of(name="net", layers=(layer(weight, recurrent, threshold),), count_bits=8)
    trace = run(network, spikes, record_membranes=True).in_order[0]
    state, fired = None, 0
    with torch.no_grad():
        for t in range(STEPS):
            out, state = cell(inputs[t], state)
            assert np.array_equal(trace.spikes[t], out.numpy())
            assert np.array_equal(trace.membranes[t], state.v.numpy() * 2.0 ** (SHIFT + MEMBRANE))
            fired += int(out.sum())
    assert 0 < fired < STEPS * SAMPLES * NEURONS


def test_at_the_threshold_norse_does_not_fire():
    """A weight of 4 charges the membrane to exactly 1 in the first step."""
    weight = np.full((NEURONS, INPUTS), 4)
    spikes = np.zeros((1, 1, INPUTS), np.uint8)
    spikes[0, 0, 0] = 1
    network = chain_of(name="net", layers=(layer(weight, None, 1.0),), count_bits=8)
    with torch.no_grad():
        out, _ = LIFCell(parameters(1.0), dt=DT)(torch.full((1, NEURONS), 4.0, dtype=torch.float64))
    assert not out.any()
    assert not run(network, spikes).in_order[0].spikes.any()
