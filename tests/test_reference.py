import re

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import chain, dense, layers, lif, networks, random_spikes

from snn2rtl.errors import DataError
from snn2rtl.int_net import reference
from snn2rtl.int_net.chain import DenseLayer, layers_of
from snn2rtl.int_net.neurons import MultiplierLeak, NoLeak, ShiftLeak
from snn2rtl.int_net.reference import run


def states(network, spikes):
    """Return spikes and membranes of the last layer, each as (T, neurons), of the only sample."""
    trace = run(network, np.array(spikes, np.uint8)[:, None], record_membranes=True).in_order[-1]
    return trace.spikes[:, 0].tolist(), trace.membranes[:, 0].tolist()


def assert_naive(network, spikes):
    """Hold every spike, membrane, count and class of the golden model against the scalar one."""
    result = run(network, spikes, record_membranes=True)
    for n in range(spikes.shape[1]):
        seen, membranes, counts, winner = naive.run_sample(network, spikes[:, n].tolist())
        for index, trace in enumerate(result.in_order):
            assert trace.spikes[:, n].tolist() == [step[index] for step in seen]
            assert trace.membranes[:, n].tolist() == [step[index] for step in membranes]
        assert result.counts[n].tolist() == counts
        assert result.classes[n] == winner


def wide(weight, neuron, weight_shift=0, bias=0):
    """Return a layer of 16-bit weights."""
    bias = np.broadcast_to(np.asarray(bias), len(weight))
    return DenseLayer(name="fc", weight=weight, weight_bits=16, weight_shift=weight_shift, bias=bias, neuron=neuron)


@settings(max_examples=150)
@given(networks(), st.integers(0, 2**32 - 1))
def test_random_networks(network, seed):
    assert_naive(network, random_spikes(network, steps=8, samples=4, seed=seed))


def test_the_random_networks_have_the_corners():
    """Ties at the threshold, saturation at both ends, full counters and even votes must all occur above."""
    seen = dict.fromkeys(("at threshold", "below by one", "low end", "high end", "full count", "even votes"), 0)

    @settings(max_examples=100, derandomize=True, database=None)
    @given(layers(4), st.integers(1, 5))
    def collect(layer, count_bits):
        network = chain(layer, count_bits=count_bits)
        spikes = random_spikes(network, steps=8, samples=3)
        layer = network.populations[0]
        most = 2 ** (layer.neuron.membrane_bits - 1)
        for n in range(3):
            state = [0] * layer.num_neurons
            for step in spikes[:, n].tolist():
                for neuron in range(layer.num_neurons):
                    value = naive.charged(state[neuron], layer, neuron, [step])
                    seen["at threshold"] += value == layer.neuron.fire_at[neuron]
                    seen["below by one"] += value == layer.neuron.fire_at[neuron] - 1
                    seen["low end"] += value < -most
                    seen["high end"] += value >= most
                    _, state[neuron] = naive.fire_and_reset(value, layer, neuron, 0, state[neuron])
            counts = naive.run_sample(network, spikes[:, n].tolist())[2]
            seen["full count"] += max(counts) == 2**network.count_bits - 1
            seen["even votes"] += len(counts) > 1 and counts.count(max(counts)) > 1 and max(counts) > 0

    collect()
    assert min(seen.values()) > 20, seen


@settings(max_examples=12)
@given(networks(), st.integers(1, 5))
def test_a_sample_does_not_depend_on_its_batch(network, chunk_samples):
    spikes = random_spikes(network, steps=6, samples=11)
    whole = run(network, spikes, record_membranes=True)
    widest = max(layer.num_neurons for layer in layers_of(network))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reference, "_CHUNK_BYTES", chunk_samples * 4 * 6 * widest)
        parts = run(network, spikes, record_membranes=True)
    singles = [run(network, spikes[:, n : n + 1], record_membranes=True) for n in range(11)]
    for index, trace in enumerate(whole.in_order):
        assert np.array_equal(parts.in_order[index].spikes, trace.spikes)
        assert np.array_equal(parts.in_order[index].membranes, trace.membranes)
        assert np.array_equal(np.concatenate([s.in_order[index].spikes for s in singles], axis=1), trace.spikes)
        assert np.array_equal(np.concatenate([s.in_order[index].membranes for s in singles], axis=1), trace.membranes)
    assert np.array_equal(parts.counts, whole.counts)
    assert np.array_equal(np.concatenate([s.counts for s in singles]), whole.counts)


def test_a_spike_at_the_threshold_and_none_one_below():
    network = chain(dense([[3], [4], [5]], 4))
    assert states(network, [[1]]) == ([[0, 1, 1]], [[3, 0, 0]])


def test_a_hard_reset_forgets_and_a_soft_one_keeps_the_rest():
    assert states(chain(dense([[7]], lif([4]))), [[1], [0]]) == ([[1], [0]], [[0], [0]])
    assert states(chain(dense([[7]], lif([4], [2]))), [[1], [0]]) == ([[1], [1]], [[5], [3]])


@pytest.mark.parametrize(
    ("leak", "expected"),
    [
        (NoLeak(), [[7, -7], [7, -7]]),
        (ShiftLeak(1), [[7, -7], [4, -3]]),
        (ShiftLeak(3), [[7, -7], [7, -6]]),
        (ShiftLeak(0), [[7, -7], [0, 0]]),
        (MultiplierLeak(96, 8), [[7, -7], [2, -3]]),
        (MultiplierLeak(0, 8), [[7, -7], [0, 0]]),
        (MultiplierLeak(256, 8), [[7, -7], [7, -7]]),
    ],
)
def test_leaks_floor(leak, expected):
    assert states(chain(dense([[7], [-7]], lif([99, 99], leak=leak))), [[1], [0]])[1] == expected


def test_the_membrane_saturates_before_it_is_compared():
    network = chain(dense([[7], [-8]], lif([5, 5], [1, 1], membrane_bits=4)))
    assert states(network, [[1], [1], [0]]) == ([[1, 0], [1, 0], [1, 0]], [[6, -8], [6, -8], [5, -8]])


def test_a_layer_reads_the_spikes_of_the_same_step():
    network = chain(dense([[1]]), dense([[1]]), dense([[1]]))
    result = run(network, np.array([1, 0, 1], np.uint8).reshape(3, 1, 1))
    assert [trace.spikes.ravel().tolist() for trace in result.in_order] == [[1, 0, 1]] * 3


def test_counts_saturate_and_even_votes_go_to_the_lowest_class():
    network = chain(dense([[0, 1], [1, 0], [1, 0]]), count_bits=2)
    spikes = np.array([[1, 1]] * 3 + [[1, 0]] * 2, np.uint8)[:, None]
    result = run(network, spikes)
    assert result.counts.tolist() == [[3, 3, 3]]
    assert result.classes.tolist() == [0]
    assert run(network, spikes[3:]).classes.tolist() == [1]
    assert run(network, spikes[:0]).classes.tolist() == [0]


@pytest.mark.parametrize(("spikes", "membranes"), [(True, True), (True, False), (False, True), (False, False)])
def test_what_is_recorded(spikes, membranes):
    network = chain(dense([[1, -1], [2, 0]]), dense([[1, 1]]))
    inputs = random_spikes(network, 4, 5)
    full = run(network, inputs, record_membranes=True)
    result = run(network, inputs, record_spikes=spikes, record_membranes=membranes)
    assert np.array_equal(result.counts, full.counts)
    assert np.array_equal(result.classes, full.classes)
    assert len(result.in_order) == (2 if spikes else 0)
    for trace, wanted in zip(result.in_order, full.in_order, strict=False):
        assert (trace.spikes.shape, trace.spikes.dtype) == (wanted.spikes.shape, np.uint8)
        assert np.array_equal(trace.spikes, wanted.spikes)
        assert (trace.membranes is None) == (not membranes)


@pytest.mark.parametrize(("steps", "samples"), [(0, 3), (3, 0), (0, 0)])
def test_empty_batches(steps, samples):
    result = run(chain(dense([[1, 1], [0, 1]])), np.zeros((steps, samples, 2), np.uint8), record_membranes=True)
    assert result.counts.tolist() == [[0, 0]] * samples
    assert result.classes.tolist() == [0] * samples
    assert result.in_order[0].membranes.shape == (steps, samples, 2)


@pytest.mark.parametrize(
    ("spikes", "message"),
    [
        (np.zeros((2, 2), np.uint8), "input spikes: must have shape (T, N, 3), not (2, 2)"),
        (np.zeros((2, 2, 4), np.uint8), "input spikes: must have shape (T, N, 3), not (2, 2, 4)"),
        (np.full((2, 2, 3), 2, np.uint8), "input spikes: must be 0 or 1 of type uint8"),
        (np.zeros((2, 2, 3)), "input spikes: must be 0 or 1 of type uint8"),
        (np.zeros((2, 2, 3), bool), "input spikes: must be 0 or 1 of type uint8"),
    ],
)
def test_spikes_that_do_not_fit(spikes, message):
    with pytest.raises(DataError, match=rf"^{re.escape(message)}$"):
        run(chain(dense([[1, 2, 3]])), spikes)


def test_large_sums_are_exact():
    """16-bit weights and 4,096 inputs need more bits than a float32 has, a shift of 20 more than an int32."""
    random = np.random.default_rng(0)
    weight = random.integers(-32768, 32768, (2, 4096))
    weight[0] = 32767
    for shift in (0, 20):
        layer = wide(weight, lif([1 << 40, 1], membrane_bits=48), shift)
        spikes = np.ones((2, 1, 4096), np.uint8)
        assert_naive(chain(layer), spikes)


def test_the_largest_layer_that_can_be_built_runs():
    """Currents of up to 2**61 saturate a membrane of 48 bits, whatever its leak."""
    weight = np.full((1, 1 << 15), 32767, np.int16)
    for leak in (NoLeak(), ShiftLeak(1), MultiplierLeak(32767, 15)):
        layer = wide(weight, lif([1], [1], leak, 48), 31, bias=[-(1 << 47)])
        spikes = np.zeros((3, 2, 1 << 15), np.uint8)
        spikes[:2, 0] = 1
        assert_naive(chain(layer), spikes)


def test_sums_with_the_most_negative_weight_are_exact():
    """The most negative integer has no absolute value of its own width, and 600 of them do not fit a float32."""
    weight = np.full((1, 601), -32768)
    weight[0, 0] = 1
    assert_naive(chain(wide(weight, lif([1], membrane_bits=48))), np.ones((1, 1, 601), np.uint8))


@settings(max_examples=20)
@given(layers(3))
def test_inputs_that_never_spike_change_nothing(layer):
    network = chain(layer)
    spikes = random_spikes(network, 5, 4)
    spikes[:, :, 1] = 0
    assert_naive(network, spikes)
