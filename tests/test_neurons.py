"""Neurons for temporal data: what they compute, number by number, and what they refuse."""

import re
from dataclasses import replace

import numpy as np
import pytest
from networks import chain, dense, lif, shared

from snn2rtl.errors import QuantizationError
from snn2rtl.int_net.chain import DenseLayer
from snn2rtl.int_net.neurons import (
    AdaptiveLifNeuron,
    CubaIntegrator,
    CubaLifNeuron,
    Integrator,
    MultiplierLeak,
    NoLeak,
    Score,
    ShiftLeak,
)
from snn2rtl.int_net.reference import run

ONE = lif([4])


def states(layer: DenseLayer, inputs: list[int]) -> tuple[list[int], list[int]]:
    """Return spikes and membranes of the only neuron of a layer with one input."""
    spikes = np.array(inputs, np.uint8).reshape(-1, 1, 1)
    trace = run(chain(layer), spikes, record_membranes=True).in_order[0]
    assert trace.membranes is not None
    return trace.spikes.ravel().tolist(), trace.membranes.ravel().tolist()


def adaptive(grow: int, leak: ShiftLeak) -> AdaptiveLifNeuron:
    return AdaptiveLifNeuron(**shared(ONE), adaptation_step=np.array([grow]), adaptation_leak=leak)


def integrator(score: Score, bits: int = 8, neurons: int = 1) -> Integrator:
    return Integrator(neurons=neurons, leak=NoLeak(), membrane_bits=8, score=score, score_bits=bits)


def test_a_spike_raises_the_threshold_and_the_floor_takes_it_back_to_where_it_was():
    """The adaptation is -5, -2, -1, 0 after the spike: the threshold 9, 6, 5, 4."""
    spikes, membranes = states(dense([[4]], adaptive(5, ShiftLeak(1))), [1, 1, 0, 0, 0])
    assert membranes == [0, 4, 4, 4, 0]
    assert spikes == [1, 0, 0, 0, 1]


def test_a_current_charges_the_membrane_in_its_own_step_and_after_it():
    """The current is 8, 4, 2, 1, 1, 1: an arithmetic shift by one of 1 takes nothing."""
    neuron = CubaLifNeuron(**vars(lif([99])), synapse_leak=ShiftLeak(1))
    assert states(dense([[8]], neuron), [1, 0, 0, 0, 0])[1] == [8, 12, 14, 15, 16]


def test_integrators_behind_a_current_do_the_same_and_keep_it():
    neuron = CubaIntegrator(**vars(integrator(Score.MAX)), synapse_leak=ShiftLeak(1))
    assert states(dense([[8]], neuron), [1, 0, 0, 0, 0]) == ([0] * 5, [8, 12, 14, 15, 16])


def test_a_layer_reads_its_own_spikes_of_the_step_before():
    layer = replace(dense([[4]], ONE), recurrent=np.array([[3]]))
    assert states(layer, [1, 0, 0, 1]) == ([1, 0, 0, 1], [0, 3, 3, 0])


def test_a_delayed_spike_arrives_later_or_never():
    layer = replace(dense([[1]], lif([99])), delay=np.array([2]))
    assert states(layer, [1, 0, 0, 1, 0])[1] == [0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("score", "bits", "scores"), [(Score.MAX, 8, 5), (Score.LAST, 8, -1), (Score.SUM, 8, 12), (Score.SUM, 12, 12)]
)
def test_scores(score, bits, scores):
    """Membranes 5, 5, 4, -1 and -1 of a bias that falls: the inputs pull them down."""
    layer = replace(dense([[5, -1, -5]], ONE), neuron=integrator(score, bits))
    spikes = np.array([[1, 0, 0], [0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]], np.uint8)[:, None]
    assert run(chain(layer), spikes).counts.tolist() == [[scores]]


def test_a_sum_saturates_after_every_step_and_even_scores_go_to_the_lowest():
    layer = replace(dense([[100], [100], [-100]], bias=[0, 0, 0]), neuron=integrator(Score.SUM, 8, 3))
    result = run(chain(layer), np.array([1, 0, 0], np.uint8).reshape(3, 1, 1))
    assert result.counts.tolist() == [[127, 127, -128]]
    assert result.classes.tolist() == [0]
    assert not result.in_order[0].spikes.any()


REFUSED = {
    "neuron: adaptation_leak must leak, so that its state has a bound": lambda: adaptive(1, NoLeak()),
    "neuron: synapse_leak must leak, so that its state has a bound": lambda: CubaLifNeuron(
        **vars(ONE), synapse_leak=MultiplierLeak(16, 4)
    ),
    "neuron: synapse_leak must have 1 values, not 2": lambda: CubaIntegrator(
        **vars(integrator(Score.MAX)), synapse_leak=ShiftLeak(np.array([1, 2]))
    ),
    "neuron: adaptation_step must be 0..70368744177663 with this leak, not reach -1": lambda: adaptive(
        -1, ShiftLeak(1)
    ),
    "neuron: leak must have 1 values, not 2": lambda: replace(ONE, leak=ShiftLeak(np.array([1, 2]))),
    "leak: factor must be 0..16, not reach 17": lambda: MultiplierLeak(np.array([17]), 4),
    "leak: shift must be 0..47, not reach 48": lambda: ShiftLeak(np.array([48])),
    "neuron: score_bits of max must be 8..8, not 9": lambda: integrator(Score.MAX, 9),
    "layer 'fc1': integrators must be the last layer, for they never spike": lambda: chain(
        replace(dense([[1]]), neuron=integrator(Score.MAX)), dense([[1]])
    ),
    "layer 'fc': integrators must not be recurrent": lambda: replace(
        dense([[1]]), neuron=integrator(Score.MAX), recurrent=np.array([[1]])
    ),
    "layer 'fc': recurrent must have shape (1, 1), not (1, 2)": lambda: replace(
        dense([[1]]), recurrent=np.ones((1, 2), int)
    ),
    "layer 'fc': recurrent weights must fit 8 bits, not reach 128": lambda: replace(
        dense([[1]]), recurrent=np.array([[128]])
    ),
    "layer 'fc': delay must have shape (1,), not (2,)": lambda: replace(dense([[1]]), delay=np.array([1, 1])),
    "layer 'fc': delays must be 0..63 steps, not reach 64": lambda: replace(dense([[1]]), delay=np.array([64])),
    "layer 'fc': delays must be those of spikes, not of pixels or counts": lambda: replace(
        dense([[1]]), delay=np.array([1]), input_max=255
    ),
    "layer 'fc': synaptic current must stay under 2**47, not reach 1.41e+14": lambda: dense(
        [[1]], CubaLifNeuron(**vars(ONE), synapse_leak=ShiftLeak(40))
    ),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_is_no_neuron_is_refused(message):
    with pytest.raises(QuantizationError, match=f"^{re.escape(message)}$"):
        REFUSED[message]()
