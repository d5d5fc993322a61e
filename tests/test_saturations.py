"""What the golden model says it clipped and lost."""

from collections import Counter

import naive
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import chain, dense, lif, networks, random_spikes

from snn2rtl.int_net.chain import layers_of
from snn2rtl.int_net.neurons import Integrator, NoLeak, Score
from snn2rtl.int_net.reference import run
from snn2rtl.int_net.saturations import Saturations


def all_spike(steps, samples, inputs=1):
    return np.ones((steps, samples, inputs), np.uint8)


def summing(membrane_bits, score_bits):
    """Return one integrator of a weight of 3, whose membrane grows by 3 a step."""
    neuron = Integrator(neurons=1, leak=NoLeak(), membrane_bits=membrane_bits, score=Score.SUM, score_bits=score_bits)
    return chain(dense([[3]], neuron))


def test_counts_that_saturate_are_counted_and_said():
    network = chain(dense([[1], [1], [0]]), count_bits=2)
    found = run(network, all_spike(5, 4)).saturations
    assert found == Saturations(samples=4, steps=5, membranes={}, readout=8, lost_spikes={})
    assert found.clipped(network) == [
        "readout: 8 of 12 spike counts saturate at 2 bits; samples of 5 time steps are too long for it"
    ]


def test_a_full_count_is_not_a_saturated_one():
    network = chain(dense([[1]]), count_bits=2)
    assert run(network, all_spike(3, 1)).saturations.readout == 0
    assert run(network, all_spike(4, 1)).saturations.readout == 1


def test_membranes_are_counted_in_every_step_at_both_ends():
    up = dense([[100], [-100]], lif([101, 101], membrane_bits=8))
    network = chain(up, dense([[1, 1]]))
    found = run(network, all_spike(3, 2)).saturations
    assert found.membranes == {"fc1": 2 * (1 + 2)}  # 100, 200 -> fires, 100; -100, -200, -228
    assert found.clipped(network) == ["layer 'fc1': 6 of 12 membranes saturate at 8 bits, over all time steps"]


def test_membranes_at_their_limits_are_not_saturated():
    network = chain(dense([[127], [-128]], lif([127, 127], membrane_bits=8)))
    assert run(network, all_spike(1, 1)).saturations.membranes == {}


def test_sums_of_membranes():
    network = summing(membrane_bits=16, score_bits=16)
    assert run(network, all_spike(100, 1)).saturations == Saturations(1, 100, {}, 0, {})
    long = run(network, all_spike(150, 2)).saturations  # 3 * n * (n + 1) / 2 passes 32767 at n = 148
    assert (long.membranes, long.readout) == ({}, 2 * 3)
    assert long.clipped(network) == [
        "readout: 6 of 300 sums of membranes saturate at 16 bits; samples of 150 time steps are too long for it"
    ]


def test_delayed_spikes_past_the_end_are_lost_and_said_but_clip_nothing():
    network = chain(dense([[1, 1, 1]], delay=np.array([0, 2, 63])))
    spikes = all_spike(4, 2, 3)
    spikes[:, 1, 2] = 0
    found = run(network, spikes).saturations
    assert found.lost_spikes == {"fc1": 2 * 2 + 4}
    assert found.clipped(network) == []
    assert found.lost() == [
        "layer 'fc1': 8 delayed spikes would arrive after the last time step of their sample and are lost"
    ]


def test_parts_add_up():
    network = chain(dense([[3, 3]], lif([200], reset_by=1, membrane_bits=9), delay=np.array([0, 9])), count_bits=1)
    spikes = random_spikes(network, steps=300, samples=5)
    whole = run(network, spikes).saturations
    parts = [run(network, spikes[:, part]).saturations for part in (slice(0, 2), slice(2, 5))]
    assert parts[0] + parts[1] == whole
    assert min(part.readout and part.membranes["fc1"] and part.lost_spikes["fc1"] for part in parts) > 0
    assert whole + Saturations() == whole


@settings(max_examples=60)
@given(networks(), st.integers(0, 2**32 - 1))
def test_as_many_as_one_number_at_a_time(network, seed):
    """The scalar model clips membranes and sums in one function; counts and lost spikes are counted from the spikes."""
    spikes = random_spikes(network, steps=8, samples=3, seed=seed)
    clipped = Counter()
    plain = naive.saturated

    def counting(value, bits):
        clipped[bits] += plain(value, bits) != value
        return plain(value, bits)

    naive.saturated = counting
    try:
        for n in range(3):
            naive.run_sample(network, spikes[:, n].tolist())
    finally:
        naive.saturated = plain
    result = run(network, spikes)
    found = result.saturations
    summed = not network.output.neuron.spikes
    assert sum(found.membranes.values()) + (found.readout if summed else 0) == clipped.total()
    if not summed:
        assert found.readout == (result.in_order[-1].spikes.sum(axis=0) > 2**network.count_bits - 1).sum()
    inputs = spikes
    for layer, trace in zip(layers_of(network), result.in_order, strict=True):
        delay = np.zeros(layer.num_inputs, int) if layer.delay is None else layer.delay
        late = sum(int(inputs[t, :, i].sum()) for t in range(8) for i in range(layer.num_inputs) if t + delay[i] >= 8)
        assert found.lost_spikes.get(layer.name, 0) == late
        inputs = trace.spikes
