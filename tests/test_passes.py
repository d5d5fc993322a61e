"""The exact passes: small network in, expected network out, and no spike changed. Rational numbers judge the latter."""

import itertools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import chain, dense, lif, networks, random_spikes
from rational import run_sample

from snn2rtl.compiler import fold
from snn2rtl.encoders import Encoder
from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.layered import FloatLayer, LayeredNetwork
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import BatchNorm, Dropout, Flatten, Linear, Neuron, Node
from snn2rtl.int_net import reference
from snn2rtl.int_net.chain import layers_of
from snn2rtl.passes.lower import lower
from snn2rtl.passes.silence_unread import silence_unread

ENCODER = Encoder.poisson(9, 0.5)


def network(*nodes: Node) -> SpikingNetwork:
    return SpikingNetwork(name="net", nodes=nodes, encoder=ENCODER)


def fc(name: str, weight, bias=None) -> Linear:
    return Linear(name=name, weight=weight, bias=np.zeros(len(weight)) if bias is None else bias)


def norm(name: str, gain: list[float], offset: list[float]) -> BatchNorm:
    """Return a batch norm of a variance of 1/4 and a mean of 1 that computes gain * x + offset."""
    gain, one = np.asarray(gain), np.ones(len(gain))
    return BatchNorm(name=name, mean=one, variance=one / 8, epsilon=1 / 8, gamma=gain / 2, beta=offset + gain)


def spikes_of(net: SpikingNetwork | LayeredNetwork, samples: np.ndarray) -> list[list[list[bool]]]:
    """Return the output spikes of samples of shape (N, T, inputs), in rational numbers."""
    return [run_sample(net, sample.tolist()) for sample in samples]


def assert_same_spikes(before: SpikingNetwork, after: LayeredNetwork, seed: int = 0) -> None:
    random = np.random.default_rng(seed)
    samples = (random.random((6, 6, before.num_inputs)) < np.linspace(0, 1, 6)[:, None, None]).astype(int)
    wanted = spikes_of(before, samples)
    assert spikes_of(after, samples) == wanted
    assert np.any(wanted), "the test must see spikes"


def quarters(random: np.random.Generator, *shape: int) -> np.ndarray:
    return random.integers(-3, 6, shape) / 4


@st.composite
def spiking_networks(draw: st.DrawFn) -> SpikingNetwork:
    """Draw a network of dyadic numbers, for which the passes' arithmetic is exact."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    widths = draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))
    nodes: list[Node] = [Flatten(name="flat")]
    for index, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
        linear = fc(f"fc{index}", quarters(random, outputs, inputs), quarters(random, outputs))
        place = draw(st.sampled_from(["none", "before", "after", "both"]))
        if place in ("before", "both"):
            nodes.append(norm(f"a{index}", 2.0 ** random.integers(-1, 2, inputs), quarters(random, inputs)))
        nodes += [Dropout(name=f"drop{index}"), linear]
        if place in ("after", "both"):
            nodes.append(norm(f"b{index}", 2.0 ** random.integers(-1, 2, outputs), quarters(random, outputs)))
        tau = draw(st.sampled_from([None, 1.0, 2.0, 4.0]))
        nodes.append(
            Neuron(
                name=f"lif{index}",
                tau=tau,
                v_threshold=draw(st.sampled_from([0.5, 1.0])),
                v_reset=draw(st.sampled_from([None, 0.0, 0.25, -0.5])),
                decay_input=tau is not None and draw(st.booleans()),
            )
        )
    return network(*nodes)


@settings(max_examples=80)
@given(spiking_networks(), st.integers(0, 99))
def test_exact_passes_change_no_spike(before, seed):
    random = np.random.default_rng(seed)
    samples = random.integers(0, 2, (3, 5, before.num_inputs))
    wanted = spikes_of(before, samples)
    for one_pass in (lower, fold):
        after = one_pass(before)
        assert spikes_of(after, samples) == wanted
        assert (after.name, after.encoder) == ("net", ENCODER)


LIF = Neuron(name="lif", tau=None, v_threshold=1.0, v_reset=0.0)


def lowered(*nodes: Node) -> FloatLayer:
    """Return the one layer of these nodes with neurons behind them."""
    (layer,) = lower(network(*nodes, LIF)).nodes
    assert isinstance(layer, FloatLayer)
    return layer


def weights_of(layer: FloatLayer) -> tuple[list, list]:
    """Return a layer's only weights and its bias."""
    (connection,) = layer.inputs
    return connection.weight.tolist(), layer.bias.tolist()


def test_what_does_nothing_goes_and_weights_are_not_copied():
    linear = fc("fc", [[1.0]])
    nodes = (Flatten(name="a"), linear, Dropout(name="b"), LIF, Dropout(name="c"), Flatten(name="d"))
    (layer,) = lower(network(*nodes)).layers
    assert (layer.name, layer.neuron) == ("fc", LIF)
    assert layer.inputs[0].weight is linear.weight


def test_a_batch_norm_after_a_linear_goes_into_it():
    layer = lowered(fc("fc", [[1.0, 2.0], [3.0, 4.0]], [1.0, 2.0]), norm("bn", [2, 0.5], [3, 4]))
    assert weights_of(layer) == ([[2, 4], [1.5, 2]], [2 * 1 + 3, 0.5 * 2 + 4])


def test_a_batch_norm_scales_the_steps_of_training_where_it_has_one_gain():
    trained = Linear(name="fc", weight=[[1.0], [3.0], [3.0]], bias=[0.0] * 3, step=[0.5, 1.0, 1.0])
    after = lowered(trained, norm("bn", [2, -4, 0], [0, 0, 0]))
    assert after.inputs[0].weight.ravel().tolist() == [2, -12, 0]
    assert after.step.tolist() == [1, 4, 1]
    assert lowered(norm("bn", [2], [0]), trained).step.tolist() == [1, 2, 2]
    wide = replace(trained, weight=[[1.0, 2.0], [3.0, 1.0], [3.0, 4.0]])
    for gains, steps in (([3, -3], [1.5, 3, 3]), ([3, 2], [0.5, 1, 1]), ([0, 0], [0.5, 1, 1])):
        assert lowered(norm("bn", gains, [0, 0]), wide).step.tolist() == steps


def test_a_batch_norm_before_a_linear_goes_into_it():
    layer = lowered(norm("bn", [2, 0.5], [3, 4]), fc("fc", [[1.0, 2.0]], [1.0]))
    assert weights_of(layer) == ([[2, 1]], [1 + 1 * 3 + 2 * 4])


def test_batch_norms_on_both_sides_and_in_a_row():
    nodes = (norm("a", [2], [1]), fc("fc", [[1.0]]), norm("b", [4], [0]), norm("c", [0.5], [5]))
    assert weights_of(lowered(*nodes)) == ([[4]], [7])


def test_linears_in_a_row_and_a_batch_norm_between_them_are_one():
    layer = lowered(fc("a", [[1.0], [5.0]], [2.0, 0.0]), norm("bn", [2, 1], [1, 0]), fc("b", [[3.0, 1.0]], [7.0]))
    assert (layer.name, *weights_of(layer)) == ("b", [[3 * 2 + 5]], [3 * (2 * 2 + 1) + 7])


def test_neurons_behind_neurons_read_them_one_by_one():
    _, second = lower(network(fc("a", [[1.0], [2.0]]), LIF, replace(LIF, name="lif2"))).layers
    assert (second.name, second.inputs[0].source) == ("lif2", "a")
    assert second.inputs[0].matrix().tolist() == [[1, 0], [0, 1]]


def test_what_stands_behind_the_last_neurons_is_refused():
    for name, last in (("c", norm("c", [2], [1])), ("d", fc("d", [[1.0]]))):
        with pytest.raises(UnsupportedModelError) as caught:
            fold(network(norm("a", [1], [1]), norm("b", [1], [0]), fc("fc", [[1.0]]), LIF, last))
        kind = type(last).__name__
        assert caught.value.problems == (
            f"layer '{name}': {kind} must be followed by a spiking neuron, not by nothing",
        )


def test_fold_neurons_brings_every_neuron_to_one_form():
    nodes = (
        replace(fc("fc1", [[8.0]], [4.0]), step=[2.0]),
        Neuron(name="lif1", tau=4.0, v_threshold=1.0, v_reset=-0.5, decay_input=True),
        fc("fc2", [[8.0]], [4.0]),
        Neuron(name="lif2", tau=4.0, v_threshold=1.0, v_reset=None),
    )
    fc1, fc2 = fold(network(*nodes)).layers
    lif1, lif2 = fc1.neuron, fc2.neuron
    assert (*weights_of(fc1), *weights_of(fc2)) == ([[2]], [1], [[8]], [4])
    assert (fc1.step.item(), fc2.step) == (0.5, None)
    assert (lif1.tau, lif1.v_threshold, lif1.v_reset, lif1.decay_input) == (4.0, 1.5, 0.0, False)
    assert (lif2.tau, lif2.v_threshold, lif2.v_reset, lif2.decay_input) == (4.0, 1.0, None, False)
    assert_same_spikes(network(*nodes), fold(network(*nodes)))


def decayed(values: np.ndarray, tau: float) -> np.ndarray:
    lif = Neuron(name="lif", tau=tau, v_threshold=1.0, v_reset=0.0, decay_input=True)
    (layer,) = fold(network(fc("fc", values[None], values[:1]), lif)).layers
    weight = layer.inputs[0].weight[0]
    assert layer.bias[0] == weight[0]
    return weight


@given(st.floats(2.0**-60, 1, width=32), st.integers(0, 2**32 - 1))
def test_a_decay_that_float32_holds_scales_float32_weights_exactly(decay, seed):
    """As that of every ParametricLIFNode, whose tau is one over it, rounded."""
    values = np.random.default_rng(seed).normal(size=50).astype(np.float32).astype(float)
    exact = [Fraction(value) * Fraction(decay) for value in values]
    assert [Fraction(value) for value in decayed(values, 1 / decay)] == exact


@pytest.mark.parametrize("tau", [1.0, 1.1, 3.0, 7.0, 2.0**200])
def test_any_other_decay_divides_by_tau(tau):
    values = np.arange(1.0, 100.0)
    assert np.array_equal(decayed(values, tau), values / tau)


def test_silence_unread_works_backwards():
    before = chain(
        dense([[1, 2], [3, 4], [5, 6]], lif([1, 1, -1]), bias=[7, 8, 9]),
        dense([[1, 0, 0], [0, 2, 3]], lif([-3, 5])),
        dense([[1, 0]], 1),
    )
    after = silence_unread(before)
    first, second, _ = layers_of(after)
    assert second.weight.tolist() == [[1, 0, 0], [0, 0, 0]]
    assert second.neuron.fire_at.tolist() == [-3, 5]
    assert first.weight.tolist() == [[1, 2], [0, 0], [0, 0]]
    assert first.bias.tolist() == [7, 0, 0]
    assert first.neuron.fire_at.tolist() == [1, 1, 1]  # or it would spike at rest
    assert after.nodes[2] is before.nodes[2]


@settings(max_examples=80)
@given(networks(), st.integers(0, 99))
def test_silence_unread_changes_no_output(before, seed):
    spikes = random_spikes(before, 8, 5, seed)
    wanted, got = (reference.run(net, spikes, record_membranes=True) for net in (before, silence_unread(before)))
    assert np.array_equal(got.in_order[-1].spikes, wanted.in_order[-1].spikes)
    assert np.array_equal(got.in_order[-1].membranes, wanted.in_order[-1].membranes)
    after = layers_of(silence_unread(before))
    for layer, following, trace in zip(layers_of(before), after[1:], got.in_order, strict=False):
        unread = ~following.weight.any(axis=0)
        if layer.recurrent is not None:
            unread &= ~layer.recurrent.any(axis=0)
        assert not trace.spikes[:, :, unread].any()
