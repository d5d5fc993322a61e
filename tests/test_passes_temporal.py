"""The exact passes on networks for temporal data; rational numbers judge them."""

from dataclasses import replace

import numpy as np
import pytest
import temporal
from hypothesis import given, settings
from hypothesis import strategies as st
from rational import run_sample

from snn2rtl.compiler import fold
from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net import reference as float_reference
from snn2rtl.float_net.layered import FloatLayer
from snn2rtl.float_net.network import SpikingNetwork, to_dict
from snn2rtl.float_net.nodes import BatchNorm, Integrator, Linear, Neuron, Node
from snn2rtl.frontend import load, save
from snn2rtl.frontend.forward import to_spikingjelly
from snn2rtl.passes.lower import lower

SEEDS = st.integers(0, 2**32 - 1)


def samples_of(net: SpikingNetwork, seed: int) -> np.ndarray:
    """Return spikes of shape (T, N, inputs)."""
    return np.random.default_rng(seed).integers(0, 2, (6, 3, net.num_inputs), dtype=np.uint8)


def norm(name: str, neurons: int, seed: int, offset: float = 0.25) -> BatchNorm:
    gain = 2.0 ** np.random.default_rng(seed).integers(-1, 2, neurons)
    one = np.ones(neurons)
    return BatchNorm(
        name=name, mean=one, variance=one / 8, epsilon=1 / 8, gamma=gain / 2, beta=np.full(neurons, offset) + gain
    )


@settings(max_examples=60)
@given(SEEDS)
def test_folding_changes_nothing_and_the_float_reference_runs_what_it_leaves(seed):
    net = temporal.random_network(seed)
    linear, neuron, *rest = net.nodes
    net = replace(net, nodes=(linear, norm("bn", len(linear.weight), seed), neuron, *rest))
    folded, spikes = fold(net), samples_of(net, seed)
    assert not any(layer.neuron.decay_input for layer in folded.layers)
    wanted = [run_sample(net, spikes[:, n].tolist()) for n in range(3)]
    assert [run_sample(folded, spikes[:, n].tolist()) for n in range(3)] == wanted
    last = float_reference.run(folded, spikes, np.float64)[folded.output.name]
    got = last.membranes if isinstance(folded.output.neuron, Integrator) else last.spikes
    assert np.array_equal(got, np.array(wanted, float).swapaxes(0, 1))


@pytest.mark.parametrize("score", ["max", "last", "sum"])
def test_scores_of_integrators(score):
    fc = Linear(name="fc", weight=[[1.0], [-1.0]], bias=[0.0, 0.0])
    net = SpikingNetwork(name="net", nodes=(fc, Integrator(name="li", tau=2.0, score=score)))
    spikes = np.array([1, 1, 0], np.uint8)[:, None, None]
    expected = {"max": [1.5, -0.75], "last": [0.75, -0.75], "sum": [3.25, -3.25]}  # of 1, 1.5, 0.75
    assert float_reference.scores(fold(net), spikes).tolist() == [expected[score]]
    assert float_reference.scores(fold(net), spikes[:0]).tolist() == [[0, 0]]


def lowered(*nodes: Node) -> FloatLayer:
    """Return the one layer of these nodes with neurons behind them."""
    lif = Neuron(name="lif", tau=None, v_threshold=1.0, v_reset=0.0)
    (layer,) = lower(SpikingNetwork(name="net", nodes=(*nodes, lif))).layers
    return layer


def test_a_batch_norm_scales_recurrent_weights_after_them_alone():
    fc = Linear(name="fc", weight=np.ones((2, 2)), bias=[0.0, 0.0], recurrent=np.ones((2, 2)))
    forward, back = lowered(fc, norm("bn", 2, 3)).inputs
    gain = forward.weight[:, 0]
    assert not np.array_equal(gain, [1, 1])
    assert np.array_equal(back.weight, [[gain[0]] * 2, [gain[1]] * 2])
    assert (back.source, back.previous_step, forward.previous_step) == ("fc", True, False)
    _, before = lowered(norm("bn", 2, 1), fc).inputs
    assert np.array_equal(before.weight, fc.recurrent)


def test_a_batch_norm_before_delays_must_not_shift():
    fc = Linear(name="fc", weight=np.ones((2, 2)), bias=[0.0, 0.0], delay=[0, 1])
    unshifted = lowered(norm("bn", 2, 1, offset=0.0), fc)
    assert unshifted.bias.tolist() == [0, 0]
    assert unshifted.inputs[0].delay.tolist() == [0, 1]
    with pytest.raises(UnsupportedModelError) as caught:
        lowered(norm("bn", 2, 1), fc)
    assert caught.value.problems == (
        "layer 'bn': must not shift the inputs of 'fc' that have delays, for a shift would be there before them",
    )


def test_decayed_inputs_of_each_neuron():
    fc = Linear(name="fc", weight=[[8.0], [8.0]], bias=[4.0, 4.0], step=[1.0, 1.0], recurrent=[[8.0, 4.0]] * 2)
    lif = Neuron(name="lif", tau=[2.0, 4.0], synapse_tau=2.0, v_threshold=1.0, v_reset=0.0, decay_input=True)
    (folded,) = fold(SpikingNetwork(name="net", nodes=(fc, lif))).layers
    forward, back = folded.inputs
    assert (forward.weight.tolist(), folded.bias.tolist()) == ([[4], [2]], [2, 1])
    assert (back.weight.tolist(), folded.step.tolist()) == ([[4, 2], [2, 1]], [0.5, 0.25])


def test_integrators_must_not_be_recurrent():
    fc = Linear(name="fc", weight=[[1.0]], bias=[0.0], recurrent=[[1.0]])
    net = SpikingNetwork(name="net", nodes=(fc, Integrator(name="li", tau=2.0, score="max")))
    with pytest.raises(
        UnsupportedModelError, match=r"^layer 'fc': must not be recurrent before 'li', which never fires$"
    ):
        lower(net)


def test_spikingjelly_has_none_of_it():
    fc = Linear(name="fc", weight=[[1.0]], bias=[0.0], recurrent=[[1.0]], delay=[1])
    lif = Neuron(name="lif", tau=[2.0], synapse_tau=2.0, v_threshold=1.0, v_reset=0.0, strict=True)
    end = (Linear(name="end", weight=[[1.0]], bias=[0.0]), Integrator(name="li", tau=2.0, score="max"))
    with pytest.raises(UnsupportedModelError) as caught:
        to_spikingjelly(fold(SpikingNetwork(name="net", nodes=(fc, lif, *end))))
    assert caught.value.problems == (
        "layer 'fc': must not have recurrent, delay, synapse_tau, a tau of each neuron, strict to run in SpikingJelly",
        "layer 'end': must not have integrators to run in SpikingJelly",
    )


def test_numbers_of_numpy_are_saved_as_plain_ones(tmp_path):
    fc = Linear(name="fc", weight=[[1.0]], bias=[0.0])
    lif = Neuron(name="lif", tau=np.float64(3.0), v_threshold=np.float64(0.5), v_reset=0.0, strict=np.bool_(True))
    save(SpikingNetwork(name="net", nodes=(fc, lif)), tmp_path / "net.pt")
    assert (load(tmp_path / "net.pt").nodes[1].tau, load(tmp_path / "net.pt").nodes[1].strict) == (3.0, True)


@pytest.mark.parametrize("seed", range(8))
def test_save_and_load(tmp_path, seed):
    net = temporal.random_network(seed)
    save(net, tmp_path / "net.pt", name="other")
    again = load(tmp_path / "net.pt")
    assert again.name == "other"
    for ours, theirs in zip(to_dict(again)["nodes"], to_dict(net)["nodes"], strict=True):
        assert ours.keys() == theirs.keys()
        for key, value in theirs.items():
            assert np.array_equal(ours[key], value)
            assert np.asarray(ours[key]).dtype == np.asarray(value).dtype
