"""Every node and combination of nodes: spikes and membranes of torch and SpikingJelly, of floats and of integers."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from float_graphs import Checked, Graph, check

from snn2rtl.compiler import compile_network
from snn2rtl.encoders import Encoder
from snn2rtl.errors import StrictError, UnsupportedModelError
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import (
    AdaptiveAveragePool,
    Add,
    AveragePool,
    BatchNorm,
    Concatenate,
    Dropout,
    Flatten,
    Iand,
    Integrator,
    Linear,
    MaxPool,
    Neuron,
    Node,
    Unflatten,
    Vote,
)
from snn2rtl.float_net.nodes import Convolution as Conv
from snn2rtl.int_net.synapses import Convolution, Dense
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.passes.lower import lower, maps
from snn2rtl.pools import INPUT

Case = Callable[[Graph], None]
CASES: dict[str, Case] = {}


def case(build: Case) -> Case:
    """Note a network that is built on inputs of shape (4, 8), (4, 8, 6) or 12, before its classifier."""
    CASES[build.__name__] = build
    return build


def kernel(graph: Graph, *sizes: int) -> tuple[int, ...]:
    """Return as many sizes as the input has axes, the last one again where there are too few."""
    axes = len(graph.shape) - 1
    return (*sizes, *[sizes[-1]] * axes)[:axes]


def layer(graph: Graph, *sources: str, out: int = 4) -> str:
    """Add a convolution that keeps its shape, and its neurons."""
    graph.conv(out, kernel(graph, 3), *sources, padding=kernel(graph, 1))
    return graph.fire()


def dense(graph: Graph, *sources: str, out: int = 6) -> str:
    """Add neurons behind a linear layer."""
    graph.linear(out, *sources)
    return graph.fire()


@case
def convolution_with_stride_padding_and_dilation(graph: Graph) -> None:
    graph.conv(
        3, kernel(graph, 3, 2), stride=kernel(graph, 2, 1), padding=kernel(graph, 1, 2), dilation=kernel(graph, 2, 1)
    )
    graph.fire()


@case
def convolution_in_groups(graph: Graph) -> None:
    graph.conv(6, kernel(graph, 3), groups=2)
    graph.fire()


@case
def convolution_of_each_channel(graph: Graph) -> None:
    graph.conv(8, kernel(graph, 3), groups=4, stride=kernel(graph, 1, 2))
    graph.fire()


@case
def batch_norms_around_a_convolution(graph: Graph) -> None:
    graph.norm()
    graph.conv(3, kernel(graph, 3))
    graph.norm()
    graph.norm()
    graph.fire(v_threshold=0.25)


@case
def a_batch_norm_before_a_padded_convolution(graph: Graph) -> None:
    graph.norm(offset=False)
    graph.conv(4, kernel(graph, 3), padding=kernel(graph, 1), groups=2)
    graph.fire()


@case
def a_shift_before_padding_is_not_there_in_the_padding(graph: Graph) -> None:
    graph.norm()
    graph.conv(4, kernel(graph, 3), padding=kernel(graph, 1), stride=kernel(graph, 2))
    graph.fire()


@case
def a_batch_norm_between_a_pool_and_a_convolution(graph: Graph) -> None:
    layer(graph)
    graph.average(kernel(graph, 2))
    graph.norm()
    graph.conv(3, kernel(graph, 2))
    graph.fire()


@case
def a_batch_norm_between_a_pool_and_neurons(graph: Graph) -> None:
    layer(graph)
    graph.average(kernel(graph, 2))
    graph.norm()
    graph.fire(v_threshold=0.5)


@case
def a_batch_norm_between_a_pool_and_a_linear(graph: Graph) -> None:
    layer(graph)
    graph.average(kernel(graph, 2))
    graph.norm()
    graph.flatten()
    dense(graph)


@case
def a_pool_of_inputs_before_a_linear(graph: Graph) -> None:
    graph.average(kernel(graph, 2))


@case
def neurons_right_behind_a_pool(graph: Graph) -> None:
    layer(graph)
    graph.average(kernel(graph, 2), stride=kernel(graph, 1, 2))
    graph.fire(v_threshold=0.5)


@case
def a_pool_right_behind_a_convolution(graph: Graph) -> None:
    graph.conv(3, kernel(graph, 3), padding=kernel(graph, 1), stride=kernel(graph, 2, 1))
    graph.norm()
    graph.average(kernel(graph, 2), stride=kernel(graph, 1, 2))
    graph.fire(v_threshold=0.25)


@case
def a_padded_pool_right_behind_a_convolution(graph: Graph) -> None:
    graph.conv(3, kernel(graph, 3))
    graph.average(kernel(graph, 2), padding=kernel(graph, 1), ceil_mode=True)
    graph.fire(v_threshold=0.25)


@case
def a_pool_that_reaches_outside(graph: Graph) -> None:
    layer(graph)
    graph.average(kernel(graph, 4), stride=kernel(graph, 4, 3), padding=kernel(graph, 1), ceil_mode=True)
    graph.fire(v_threshold=0.25)


@case
def a_pool_that_does_not_count_what_is_outside(graph: Graph) -> None:
    layer(graph)
    graph.average(kernel(graph, 2), padding=kernel(graph, 1), count_include_pad=False)
    graph.conv(3, kernel(graph, 2))
    graph.fire()


@case
def pools_in_a_row(graph: Graph) -> None:
    layer(graph)
    graph.average(kernel(graph, 2), stride=kernel(graph, 1))
    graph.average(kernel(graph, 2))
    graph.conv(3, kernel(graph, 2))
    graph.fire()


@case
def an_adaptive_pool(graph: Graph) -> None:
    layer(graph)
    graph.adaptive(*kernel(graph, 4, 3))


@case
def a_max_pool_of_inputs(graph: Graph) -> None:
    graph.greatest(kernel(graph, 2))
    layer(graph)


@case
def a_max_pool_with_padding_and_dilation(graph: Graph) -> None:
    layer(graph)
    graph.greatest(
        kernel(graph, 3, 2), stride=kernel(graph, 2, 1), padding=kernel(graph, 1), dilation=kernel(graph, 2, 1)
    )
    graph.fire()


@case
def a_max_pool_that_reaches_outside(graph: Graph) -> None:
    layer(graph)
    graph.greatest(kernel(graph, 3), stride=kernel(graph, 3, 4), ceil_mode=True)
    graph.conv(3, kernel(graph, 1))
    graph.fire()


@case
def a_max_pool_of_currents(graph: Graph) -> None:
    graph.conv(3, kernel(graph, 3))
    graph.greatest(kernel(graph, 2))
    graph.fire()


@case
def a_max_pool_of_currents_with_padding_and_dilation(graph: Graph) -> None:
    graph.norm()
    graph.conv(3, kernel(graph, 3), padding=kernel(graph, 1), groups=1)
    graph.norm()
    graph.greatest(
        kernel(graph, 3, 2), stride=kernel(graph, 1, 2), padding=kernel(graph, 1), dilation=kernel(graph, 1, 2)
    )
    graph.fire(v_threshold=1.5)


@case
def a_max_pool_of_currents_that_reaches_outside(graph: Graph) -> None:
    graph.average(kernel(graph, 2), stride=kernel(graph, 1))
    graph.conv(4, kernel(graph, 1), bias=graph.eighths(4) - 2)
    graph.greatest(kernel(graph, 3), stride=kernel(graph, 2, 4), ceil_mode=True)
    graph.flatten()
    graph.fire(v_threshold=0.125, v_reset=None)


@case
def a_max_pool_of_the_sum_of_two_currents(graph: Graph) -> None:
    first = layer(graph)
    one, two = graph.conv(3, kernel(graph, 1), first), graph.conv(3, kernel(graph, 1), INPUT)
    graph.sum(one, two)
    graph.greatest(kernel(graph, 2))
    graph.fire(v_threshold=2.0, v_reset=None)


@case
def max_pools_of_currents_side_by_side(graph: Graph) -> None:
    one = graph.greatest(kernel(graph, 2), graph.conv(2, kernel(graph, 1), INPUT))
    two = graph.greatest(kernel(graph, 2), graph.conv(3, kernel(graph, 1), INPUT))
    graph.join(one, two)
    graph.fire()


@case
def max_pools_of_currents_flattened_one_behind_the_other(graph: Graph) -> None:
    one = graph.flatten(graph.greatest(kernel(graph, 2), graph.conv(2, kernel(graph, 1), INPUT)))
    two = graph.flatten(graph.greatest(kernel(graph, 2), graph.conv(3, kernel(graph, 1), INPUT)))
    graph.join(one, two)
    graph.fire()
    graph.linear(5)
    graph.fire()


@case
def a_max_pool_of_what_a_matrix_makes(graph: Graph) -> None:
    graph.flatten()
    graph.linear(24)
    graph.unflatten(*kernel(graph, 4, 3)[:1], *((6,) if len(graph.shape) == 2 else (2, 3)))
    graph.greatest((2,) if len(graph.shape) == 2 else (2, 2), stride=(1,) * (len(graph.shape) - 1))
    graph.fire(v_threshold=2.0)


@case
def a_max_pool_of_one_place_is_a_choice(graph: Graph) -> None:
    graph.conv(3, kernel(graph, 3))
    graph.greatest(kernel(graph, 1), stride=kernel(graph, 2))
    graph.norm()
    graph.fire()


@case
def max_pools_in_a_row_and_an_average_pool(graph: Graph) -> None:
    layer(graph)
    graph.greatest(kernel(graph, 2), stride=kernel(graph, 1))
    graph.greatest(kernel(graph, 2))
    graph.average(kernel(graph, 2))


@case
def a_residual_of_currents(graph: Graph) -> None:
    first = layer(graph)
    graph.conv(4, kernel(graph, 3), padding=kernel(graph, 1))
    second = graph.norm()
    graph.sum(second, first)
    graph.fire()


@case
def a_residual_of_two_convolutions_of_another_stride(graph: Graph) -> None:
    first = layer(graph)
    layer(graph)
    graph.conv(6, kernel(graph, 3), padding=kernel(graph, 1), stride=kernel(graph, 2))
    one = graph.norm()
    graph.conv(6, kernel(graph, 1), first, stride=kernel(graph, 2))
    graph.sum(one, graph.norm())
    graph.fire(v_reset=None)


@case
def a_residual_of_the_input_and_twice_of_one_source(graph: Graph) -> None:
    first = graph.conv(4, kernel(graph, 3), INPUT, padding=kernel(graph, 1))
    second = graph.conv(4, kernel(graph, 1), INPUT)
    graph.sum(first, INPUT, second)
    graph.fire()


@case
def a_sum_of_spikes(graph: Graph) -> None:
    first = layer(graph)
    second = layer(graph)
    third = graph.sum(first, second)
    layer(graph, third)
    graph.sum(graph.last, third)
    graph.conv(3, kernel(graph, 3))
    graph.fire()


@case
def a_sum_of_spikes_before_neurons_pools_and_linears(graph: Graph) -> None:
    first = layer(graph)
    second = layer(graph)
    graph.sum(first, second, first)
    both = graph.average(kernel(graph, 2))
    graph.fire(v_threshold=0.5)
    graph.sum(graph.last, both)


@case
def gates(graph: Graph) -> None:
    first = layer(graph)
    second = layer(graph)
    both = graph.both(first, second)
    alone = graph.second_alone(first, second)
    near = graph.both(graph.greatest(kernel(graph, 2), both), graph.greatest(kernel(graph, 2), alone))
    graph.average(kernel(graph, 2), graph.sum(both, alone))
    graph.sum(graph.last, near)


@case
def maps_one_after_the_other_before_a_convolution(graph: Graph) -> None:
    first = layer(graph)
    second = layer(graph, INPUT, out=3)
    graph.join(first, second, INPUT)
    graph.conv(4, kernel(graph, 3), padding=kernel(graph, 1))
    graph.norm()
    graph.fire()


@case
def maps_one_after_the_other_before_groups(graph: Graph) -> None:
    first = layer(graph)
    second = layer(graph, INPUT, out=2)
    graph.join(first, second)
    graph.conv(6, kernel(graph, 3), groups=2)
    graph.fire()


@case
def maps_one_after_the_other_before_neurons_and_pools(graph: Graph) -> None:
    first = layer(graph)
    second = layer(graph, INPUT, out=3)
    both = graph.join(first, second)
    fired = graph.fire(v_threshold=1.0)
    pooled = graph.greatest(kernel(graph, 2), both)
    mean = graph.average(kernel(graph, 2), fired)
    graph.join(pooled, mean)
    layer(graph)


@case
def currents_one_after_the_other(graph: Graph) -> None:
    first = graph.conv(3, kernel(graph, 3), INPUT, padding=kernel(graph, 1))
    second = graph.conv(2, kernel(graph, 1), INPUT)
    graph.join(first, second)
    graph.norm()
    graph.fire(tau=2.0, decay_input=True)


@case
def rows_one_after_the_other(graph: Graph) -> None:
    graph.conv(3, kernel(graph, 3))
    convolved = graph.flatten()
    fired = graph.flatten(layer(graph, INPUT))
    graph.join(convolved, fired)
    graph.norm()
    graph.fire()
    spikes = graph.last
    graph.linear(5)
    graph.join(graph.fire(), spikes)


@case
def a_batch_norm_of_each_neuron_behind_a_convolution(graph: Graph) -> None:
    graph.conv(3, kernel(graph, 3))
    graph.flatten()
    graph.norm()
    graph.fire()


@case
def a_flat_convolution_beside_spikes(graph: Graph) -> None:
    fired = graph.flatten(layer(graph, out=2))
    graph.conv(2, kernel(graph, 3), INPUT, padding=kernel(graph, 1))
    graph.sum(graph.flatten(), fired)
    graph.fire()


@case
def a_convolution_in_another_shape(graph: Graph) -> None:
    graph.conv(4, kernel(graph, 3), padding=kernel(graph, 1))
    shape = graph.here
    graph.flatten()
    graph.unflatten(shape[0], *reversed(shape[1:-1]), shape[-1]) if len(shape) < 3 else graph.unflatten(4, 6, 8)
    graph.conv(3, kernel(graph, 1))
    graph.fire()


@case
def convolutions_in_a_row(graph: Graph) -> None:
    graph.conv(3, kernel(graph, 3))
    graph.conv(4, kernel(graph, 3), padding=kernel(graph, 1))
    graph.norm()
    graph.fire()


@case
def a_convolution_of_points_before_and_after_another(graph: Graph) -> None:
    graph.conv(3, kernel(graph, 1))
    graph.conv(3, kernel(graph, 3), groups=3)
    graph.conv(4, kernel(graph, 1))
    graph.fire()


@case
def neurons_of_each_kind(graph: Graph) -> None:
    size = int(np.prod(graph.here))
    graph.fire(v_threshold=1.5, v_reset=None)
    graph.conv(4, kernel(graph, 3), padding=kernel(graph, 1))
    graph.fire(tau=2.0, decay_input=True, v_reset=-0.25)
    graph.conv(4, kernel(graph, 1))
    graph.fire(tau=4.0, v_reset=None, v_threshold=0.5)
    assert size == np.prod(graph.here)


SHAPES = {"1-D": (4, 8), "2-D": (4, 8, 6)}


def assert_exact(graph: Graph, network: SpikingNetwork, scale: str = "neuron") -> Checked:
    made = check(network, scale=scale)
    spiking = [trace.spikes.mean() for trace in made.result.traces.values()]
    assert all(mean > 0 for mean in spiking[:-1]), "every node must do something"
    return made


@pytest.mark.parametrize("scale", ["neuron", "layer"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("build", CASES.values(), ids=CASES)
def test_every_spike_is_torch_s(build, shape, scale):
    graph = Graph(*shape, seed=1)
    build(graph)
    assert_exact(graph, graph.classify(), scale)


def test_linears_in_a_row_with_skips_and_gates():
    for seed in range(4):
        graph = Graph(9, seed=seed)
        graph.linear(7)
        graph.norm()
        first = dense(graph)
        second = dense(graph)
        gate = graph.second_alone(first, second)
        one = graph.linear(4, graph.join(gate, INPUT, first))
        two = graph.linear(4, second)
        graph.sum(one, two)
        graph.fire(tau=2.0, v_reset=None)
        assert_exact(graph, graph.classify())


def test_delays_and_recurrent_weights_keep_to_their_own_source():
    for seed in range(6):
        graph = Graph(6, seed=seed)
        first = dense(graph)
        one = graph.linear(5, recurrent=graph.eighths(5, 5), delay=graph.random.integers(0, 4, 6))
        two = graph.linear(5, INPUT, recurrent=graph.eighths(5, 5), delay=graph.random.integers(0, 3, 6))
        graph.sum(graph.norm(one), two)
        second = graph.fire(v_threshold=2.0)
        joined = graph.join(first, second)
        graph.linear(4, joined, delay=graph.random.integers(0, 3, 11))
        graph.fire()
        made = assert_exact(graph, graph.classify())
        between = made.layered.layers[1]
        assert [(one.source, one.previous_step) for one in between.inputs][-1] == (between.name, True)
        assert [one.previous_step for one in between.inputs] == [False, False, True]


@pytest.mark.parametrize("offset", [False, True])
def test_recurrent_weights_behind_several_sources_come_back_once(offset):
    """Of a sum of currents, of a source that is there twice, or with a shift."""
    graph = Graph(9, seed=3)
    first, second = graph.linear(5), graph.linear(5, INPUT)
    graph.sum(first, second, first)
    graph.norm(offset=offset)
    graph.linear(4, recurrent=graph.eighths(4, 4))
    fired = graph.fire(tau=2.0, v_reset=None)
    graph.linear(4, graph.join(fired, INPUT, fired), recurrent=graph.eighths(4, 4))
    graph.fire()
    assert_exact(graph, graph.classify())


def test_a_delay_behind_which_more_weights_come():
    graph = Graph(6, seed=3)
    graph.linear(5, delay=np.array([0, 1, 2, 3, 0, 1]))
    graph.linear(4)
    graph.fire()
    made = assert_exact(graph, graph.classify())
    assert made.layered.layers[0].inputs[0].delay.tolist() == [0, 1, 2, 3, 0, 1]


# What stays what it is, so that hardware for it stays small


def kinds_of(made: Checked, name: str) -> list[tuple[type, str]]:
    """Return the kinds of synapses into a population, and their sources."""
    (population,) = (one for one in made.integer.populations if one.name == name)
    return [(type(one.synapses), one.source) for one in population.inputs]


def test_kernels_stay_kernels():
    graph = Graph(4, 6, 6, seed=2)
    first = layer(graph)
    pool = graph.greatest((2, 2))
    graph.average((2, 2), first, stride=(2, 2))
    graph.norm()
    one = graph.conv(5, (3, 3), padding=(1, 1))
    graph.conv(5, (1, 1), pool)
    graph.sum(one, graph.norm(), graph.conv(5, (2, 2), first, stride=(2, 2)))
    graph.fire()
    made = check(graph.classify())
    first_one, second_one, _ = made.integer.populations
    assert kinds_of(made, first_one.name) == [(Convolution, INPUT)]
    assert [kind for kind, _ in kinds_of(made, second_one.name)] == [Convolution] * 3
    assert second_one.num_weights == 5 * 4 * (9 + 1 + 4)


def test_one_matrix_makes_matrices_of_all():
    graph = Graph(4, 6, seed=2)
    first = layer(graph)
    graph.conv(2, (3,))
    graph.flatten()
    one = graph.linear(24)
    graph.sum(one, graph.flatten(first))
    graph.fire()
    made = check(graph.classify())
    assert [kind for kind, _ in kinds_of(made, made.integer.populations[1].name)] == [Dense, Dense]


# The end of a network


def ended(*shape: int, seed: int = 1) -> Graph:
    graph = Graph(3, 6, *shape, seed=seed)
    layer(graph, out=4)
    return graph


def test_a_vote_and_global_pools_at_the_end_are_groups_of_outputs():
    graph = Graph(6, seed=1)
    dense(graph, out=12)
    graph.vote(2)
    graph.vote(2)
    made = assert_exact(graph, graph.network())
    assert (made.integer.group, made.integer.num_classes, len(made.integer.nodes)) == (4, 3, 1)
    for end in ("average", "adaptive"):
        graph = ended(4)
        graph.average((6, 4)) if end == "average" else graph.adaptive(1, 1)
        graph.flatten()
        graph.vote(2)
        made = assert_exact(graph, graph.network())
        assert (made.integer.group, made.integer.num_classes, len(made.integer.nodes)) == (48, 2, 1)


def test_a_vote_before_other_layers_is_a_pool():
    graph = Graph(12, seed=1)
    dense(graph, out=8)
    graph.vote(2)
    graph.linear(6)
    graph.vote(2)
    graph.fire(v_threshold=0.25)
    made = assert_exact(graph, graph.classify())
    assert made.integer.group == 1


def test_a_max_pool_at_the_end_has_neurons_that_copy_it():
    graph = ended()
    graph.greatest((3,), stride=(2,))
    made = assert_exact(graph, graph.network())
    assert (made.integer.num_classes, len(made.integer.populations)) == (8, 2)
    graph.average((2,))
    graph.flatten()
    made = assert_exact(graph, graph.network())
    assert (made.integer.group, made.integer.num_classes) == (2, 4)


def scaled(graph: Graph, gain: list[float]) -> Graph:
    """Add a batch norm that is a gain alone."""
    one = np.ones(len(gain))
    graph.add(BatchNorm, mean=0 * one, variance=one, epsilon=0.0, gamma=gain, beta=0 * one)
    return graph


def test_a_positive_gain_at_the_end_changes_no_class():
    graph = ended()
    graph.average((6,))
    assert lower(scaled(graph, [4.0] * 4).network()).group == 6


def test_an_integrator_behind_maps():
    graph = ended(4)
    graph.average((2, 2))
    graph.flatten()
    graph.linear(3)
    graph.add(Integrator, tau=2.0, score="sum")
    made = check(graph.network())
    assert made.integer.integrates


# Steps of training


def lowered_step(*gains: list[float], pool: bool = False) -> list[float] | None:
    """Return the step of a convolution behind neurons, a pool of two and gains of its channels."""
    graph = ended()
    if pool:
        graph.average((2,))
    scaled(graph, gains[0])
    graph.conv(3, (1,), step=np.array([0.5, 1.0, 0.25]))
    if len(gains) > 1:
        scaled(graph, gains[1])
    graph.fire()
    step = lower(graph.network()).layers[1].step
    return None if step is None else step.tolist()


def test_a_step_of_training_goes_with_one_gain_of_all_inputs_and_any_of_its_outputs():
    assert lowered_step([1.0] * 4) == [0.5, 1.0, 0.25]
    assert lowered_step([-2.0] * 4) == [1.0, 2.0, 0.5]
    assert lowered_step([1.0] * 4, pool=True) == [0.25, 0.5, 0.125]
    assert lowered_step([2.0] * 4, [1.0, -2.0, 4.0], pool=True) == [0.5, 2.0, 1.0]
    assert lowered_step([1.0, 2.0, 1.0, 1.0]) == [0.5, 1.0, 0.25]  # for the report to say that it is not taken


@pytest.mark.parametrize("scale", ["neuron", "layer"])
def test_a_step_of_training_is_the_scale_of_a_channel(scale):
    """Training in float32: the threshold is n steps of each channel."""
    threshold, times = np.float32(0.7), np.array([20, 7, 31] if scale == "neuron" else [7, 7, 7])
    step = (threshold / times.astype(np.float32)).astype(np.float32)
    graph = Graph(2, 5, seed=1)
    weight, bias = graph.random.integers(-7, 8, (3, 2, 3)), np.array([5, -3, 0])
    graph.conv(3, (3,), weight=weight.astype(np.float32) * step[:, None, None], bias=bias * step, step=step)
    graph.fire(v_threshold=float(threshold))
    integer, (report,) = compile_network(graph.network(), QuantizeOptions(scale=scale, strict=True))
    (population,) = integer.populations
    assert np.array_equal(population.inputs[0].synapses.stored, weight)
    assert np.array_equal(population.bias, bias.repeat(3))
    assert np.array_equal(population.neuron.fire_at, times.repeat(3))
    assert (report.weight_bits, report.bits_from) == (4, "training")


# Options and reports of a convolution


def test_a_scale_for_each_channel_or_one_for_the_layer():
    graph = Graph(1, 6)
    graph.conv(2, (2,), weight=np.array([[[1.0, -1.0]], [[0.125, 0.375]]]), bias=np.zeros(2))
    graph.fire(v_threshold=1.0)
    for scale, wanted in (("neuron", [[[1, -1]], [[1, 3]]]), ("layer", [[[8, -8]], [[1, 3]]])):
        options = QuantizeOptions(scale=scale, bits=PerLayer(5), strict=True)
        integer, (report,) = compile_network(graph.network(), options)
        (population,) = integer.populations
        assert population.inputs[0].synapses.stored.tolist() == wanted
        assert population.neuron.fire_at.tolist() == ([1] if scale == "neuron" else [8]) * 5 + [8] * 5
        assert (report.neurons, report.weights, report.nonzero_weights, report.inputs) == (10, 4, 4, 6)


def test_bits_of_a_convolution_are_asked_for_by_its_name():
    graph = ended()
    name = graph.nodes[0].name
    network = graph.classify()
    options = QuantizeOptions(bits=PerLayer(0, {name: 3}))
    integer, reports = compile_network(network, options)
    assert [(one.weight_bits, one.bits_from) for one in reports] == [(3, "asked"), (8, "default")]
    assert np.abs(integer.populations[0].inputs[0].synapses.stored).max() <= 4
    with pytest.raises(StrictError, match=f"^layer '{name}': weights are rounded"):
        compile_network(network, replace(options, strict=True))


# Refusals


def problems_of(graph: Graph, **changes: Any) -> tuple[str, ...]:
    with pytest.raises(UnsupportedModelError) as caught:
        lower(replace(graph.network(), **changes))
    return caught.value.problems


def not_last(graph: Graph, kind: str) -> tuple[str, ...]:
    return (f"layer '{graph.last}': {kind} must be followed by a spiking neuron, not by nothing",)


def test_what_no_class_can_be_read_from():
    for pool in ({"kernel": (2,), "stride": (1,)}, {"kernel": (4,)}, {"kernel": (2,), "padding": (1,)}):
        graph = ended()
        graph.average(**pool)
        assert problems_of(graph) == not_last(graph, "AveragePool")
    graph = ended(4)
    graph.average((2, 2))
    assert problems_of(graph) == not_last(graph, "AveragePool")
    for gain in ([2.0, 2.0, 2.0, 1.0], [-1.0] * 4):
        graph = scaled(ended(), gain)
        graph.average((6,))
        assert problems_of(graph) == not_last(graph, "AveragePool")
    graph = ended()
    graph.sum(graph.last, layer(graph))
    assert problems_of(graph) == not_last(graph, "Add")
    graph = ended()
    graph.join(graph.last, layer(graph))
    assert problems_of(graph) == not_last(graph, "Concatenate")
    graph = ended()
    graph.conv(2, (1,))
    assert problems_of(graph) == not_last(graph, "Convolution")


def test_integrators_are_the_last_layer():
    rule = "an Integrator must be the last layer, for it never fires"
    for build in (lambda g: g.linear(2), lambda g: (g.vote(3), g.linear(2)), lambda g: g.fire(),
                  lambda g: g.sum(g.last, INPUT), lambda g: g.second_alone(g.last, INPUT)):  # fmt: skip
        graph = Graph(6)
        graph.linear(6)
        name = graph.add(Integrator, tau=2.0, score="max")
        build(graph)
        assert problems_of(graph) == (f"layer '{name}': {rule}",)


BEFORE_NEURONS = "MaxPool of currents must come right before spiking neurons, or pool spikes right behind them"


def test_max_pools_of_currents_stand_before_neurons():
    graph = ended()
    for build in (lambda: graph.conv(2, (1,)), lambda: graph.average((2,), graph.nodes[1].name),
                  lambda: graph.norm(graph.nodes[1].name),
                  lambda: graph.sum(graph.nodes[1].name, graph.nodes[1].name)):  # fmt: skip
        build()
        name = graph.greatest((2,))
        end = graph.conv(2, (1,))
        graph.fire()
        rule = f"{BEFORE_NEURONS}, not stand before '{end}'"
        assert problems_of(graph_ending_in(graph, graph.last)) == (f"layer '{name}': {rule}",)


def test_a_batch_norm_behind_a_max_pool_of_currents() -> None:
    """A gain that is not negative moves before the pool, whose maximum would become a minimum with a negative one."""
    graph = Graph(2, 6, seed=3)
    graph.conv(3, (3,))
    pool = graph.greatest((2,))
    one = np.ones(3)
    given = {"mean": one / 4, "variance": one, "epsilon": 0.0, "beta": graph.eighths(3)}
    norm = graph.add(BatchNorm, gamma=np.array([2.0, 0.5, 0.0]), **given)
    graph.fire()
    check(graph.classify())
    graph.nodes[2] = replace(graph.nodes[2], gamma=np.array([2.0, -0.5, 1.0]))
    rule = f"{BEFORE_NEURONS}, not stand before '{norm}', whose gain is -0.5 for some"
    assert problems_of(graph) == (f"layer '{pool}': {rule}",)


def test_what_a_max_pool_of_currents_does_not_stand_before() -> None:
    for build, what in (
        (lambda g: (g.flatten(), g.linear(3)), "'linear3'"),
        (lambda g: g.average((2,)), "'averagepool2'"),
        (lambda g: g.greatest((2,)), "'maxpool2'"),
        (lambda g: g.sum(g.last, g.greatest((2,), g.nodes[0].name)), "a sum"),
        (lambda g: (g.flatten(), g.norm()), "'batchnorm3', which is not of its channels"),
        (lambda g: g.join(g.last, g.conv(2, (2,), INPUT, stride=(2,))),
         "'neuron4' beside what is pooled in another way, or not"),
    ):  # fmt: skip
        graph = Graph(2, 8)
        graph.conv(3, (1,))
        pool = graph.greatest((2,))
        build(graph)
        graph.fire()
        assert problems_of(graph) == (f"layer '{pool}': {BEFORE_NEURONS}, not stand before {what}",)


def test_a_recurrent_layer_is_not_pooled() -> None:
    graph = Graph(6)
    graph.linear(6, recurrent=graph.eighths(6, 6))
    graph.unflatten(2, 3)
    pool = graph.greatest((3,))
    graph.fire()
    rule = f"must come right before neurons, not before '{pool}', for it is recurrent"
    assert problems_of(graph) == (f"layer 'linear0': {rule}",)


def test_a_window_outside_its_input_is_refused() -> None:
    graph = Graph(2, 1)
    graph.conv(2, (1,))
    pool = graph.add(MaxPool, kernel=(2,), stride=(1,), padding=(1,), dilation=(2,))
    graph.fire()
    assert problems_of(graph) == (f"layer '{pool}': MaxPool must not have a window outside its input",)


def test_integrators_take_pooled_currents() -> None:
    graph = Graph(2, 6, seed=1)
    graph.conv(3, (3,))
    graph.greatest((2,))
    graph.flatten()
    graph.add(Integrator, tau=2.0, score="last")
    check(graph.network(), scale="layer")


def graph_ending_in(graph: Graph, name: str) -> Graph:
    """Return what a node reads, with that node at the end."""
    wanted, edges = {name}, []
    for source, target in reversed(graph.edges):
        if target in wanted:
            wanted.add(source)
            edges.insert(0, (source, target))
    part = Graph(*graph.shape)
    part.nodes, part.edges = [node for node in graph.nodes if node.name in wanted], edges
    return part


def test_gates_take_two_of_spikes():
    graph = ended()
    name = graph.both(graph.last, graph.average((3,), stride=(1,), padding=(1,)))
    assert problems_of(graph) == (f"layer '{name}': And must take spikes, not currents, counts or pixels",)
    graph = ended()
    first, last = graph.last, graph.greatest((6,))
    graph.add(Iand, first, last)
    assert problems_of(graph) == (f"layer '{graph.last}': Iand must take two inputs of one shape",)


def test_pixels_are_no_spikes():
    direct = Encoder(kind="direct", time_steps=3)
    graph = Graph(2, 4)
    name = graph.greatest((2,))
    graph.conv(2, (1,))
    graph.fire()
    assert problems_of(graph, encoder=direct)[0].startswith(f"layer '{name}': {BEFORE_NEURONS}")
    graph = Graph(2, 4)
    graph.average((2,))
    graph.conv(2, (1,))
    graph.fire()
    network = replace(graph.network(), encoder=direct)
    (population,) = lower(network).nodes  # the pool is a part of its weights
    assert population.inputs[0].windows.kernel == (2,)


def test_recurrent_weights_and_delays_stay_beside_their_neurons():
    graph = Graph(4)
    name = graph.linear(3, recurrent=np.ones((3, 3)))
    behind = graph.linear(2)
    graph.fire()
    rule = f"must come right before neurons, not before '{behind}', for it is recurrent"
    assert problems_of(graph) == (f"layer '{name}': {rule}",)
    graph = Graph(4)
    one = graph.linear(3, recurrent=np.ones((3, 3)))
    joined = graph.join(one, INPUT)
    graph.fire()
    rule = f"must come right before neurons, not before '{graph.last}', for it is recurrent"
    assert problems_of(graph) == (f"layer '{one}': {rule}",)
    assert joined
    graph = Graph(4)
    graph.linear(3)
    name = graph.linear(2, delay=[0, 1, 2])
    graph.fire()
    assert problems_of(graph) == (f"layer '{name}': must not have delays behind other weights, only behind neurons",)


def node(kind: type[Node], **values: Any) -> Node:
    return kind(name="x", **values)


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape)


ONE = {"stride": (1,), "padding": (0,), "dilation": (1,)}
NORM = {"mean": ones(3), "variance": ones(3), "epsilon": 0.0, "gamma": ones(3), "beta": ones(3)}
LIF = {"tau": None, "v_threshold": 1.0, "v_reset": 0.0}
MISFITS = [
    ((4, 6), node(Linear, weight=ones(2, 4), bias=ones(2)), "Linear must come after a Flatten, not on shape (4, 6)"),
    ((4,), node(Linear, weight=ones(2, 5), bias=ones(2)), "must take 4 inputs from '<input>', not 5"),
    (
        (4,),
        node(Conv, weight=ones(2, 4, 1), bias=ones(2), **ONE),
        "Convolution of 1 axes must have an input of 2 axes, channels first, not (4,)",
    ),
    ((4, 6), node(Conv, weight=ones(2, 3, 1), bias=ones(2), **ONE), "must take 4 channels, not 3"),
    (
        (4, 6),
        node(Conv, weight=ones(2, 4, 7), bias=ones(2), **ONE),
        "kernel must fit the input of shape (4, 6), which it does not",
    ),
    ((4, 6), node(BatchNorm, **NORM), "must have 4 channels, not 3"),
    ((4,), node(BatchNorm, **NORM), "must have 4 neurons, not 3"),
    ((4, 6), node(Unflatten, shape=(5, 5)), "shape (5, 5) must have as many values as its input, 24"),
    (
        (4, 6),
        node(AveragePool, kernel=(7,), stride=(1,)),
        "kernel must fit the input of shape (6,), which it does not",
    ),
    (
        (4, 6),
        node(MaxPool, kernel=(2, 2), stride=(1, 1)),
        "MaxPool of 2 axes must have an input of 3 axes, channels first, not 2",
    ),
    ((4, 6), node(Vote, size=2), "Vote must come after a Flatten, not on shape (4, 6)"),
    ((4,), node(Vote, size=3), "4 outputs must be a multiple of 3"),
    ((4,), node(Neuron, **{**LIF, "tau": [2.0, 3.0]}), "tau must have shape (4,), not (2,)"),
]


@pytest.mark.parametrize(("shape", "misfit", "message"), MISFITS)
def test_misfits_are_named(shape, misfit, message):
    rest = (Unflatten(name="u", shape=(1, 9)), Flatten(name="f"))
    end = (Linear(name="fc", weight=ones(2, 9), bias=ones(2)), Neuron(name="lif", **LIF))
    with pytest.raises(UnsupportedModelError) as caught:
        lower(SpikingNetwork(name="net", nodes=(misfit, *rest, *end), shape=shape))
    assert caught.value.problems == (f"layer 'x': {message}",)


def test_joins_take_inputs_that_fit():
    graph = Graph(4, 6)
    layer(graph)
    graph.conv(3, (1,))
    name = graph.add(Concatenate, INPUT, graph.last)
    for kind, rule in ((Add, "must add inputs of one shape, not (3, 6) and (4, 6)"), (Concatenate, None)):
        nodes = [kind(name=name) if one.name == name else one for one in graph.nodes]
        graph.nodes = nodes
        wanted = (f"layer '{name}': {rule}",) if rule else not_last(graph, "Concatenate")
        assert problems_of(graph) == wanted
    graph = Graph(4, 6)
    one = layer(graph)
    two = graph.greatest((2,))
    graph.nodes.append(Concatenate(name="cat"))
    graph.edges += [(one, "cat"), (two, "cat")]
    assert problems_of(graph) == ("layer 'cat': must join inputs of one size, not (4, 6) and (4, 3)",)


def test_a_matrix_that_is_too_large_is_refused(monkeypatch):
    graph = Graph(4, 8, 8)
    graph.conv(4, (3, 3))
    name = graph.conv(4, (3, 3), padding=(1, 1))
    graph.fire()
    monkeypatch.setattr(maps, "MAX_UNROLLED", 10**4)
    rule = f"must have at most {10**4} weights when unrolled, not {4 * 36 * 4 * 36}"
    assert problems_of(graph) == (f"layer '{name}': {rule}",)


@pytest.mark.parametrize(
    ("first", "kind", "example"),
    [
        (node(Conv, weight=ones(2, 1, 3), bias=ones(2), **ONE), "Convolution", "1,28"),
        (node(AveragePool, kernel=(2, 2), stride=(2, 2)), "AveragePool", "1,28,28"),
        (node(AdaptiveAveragePool, outputs=(2,)), "AdaptiveAveragePool", "1,28"),
        (node(MaxPool, kernel=(2, 2), stride=(2, 2)), "MaxPool", "1,28,28"),
    ],
)
def test_an_input_of_unknown_shape(first, kind, example):
    nodes = (Flatten(name="f"), Dropout(name="d"), first, Linear(name="fc", weight=ones(2, 4), bias=ones(2)))
    rule = f"{kind} must have an input of known shape; give --input-shape, such as {example}"
    with pytest.raises(UnsupportedModelError) as caught:
        lower(SpikingNetwork(name="net", nodes=nodes))
    assert caught.value.problems == (f"layer 'x': {rule}, or put an nn.Unflatten before it",)


def test_the_first_layers_say_the_shape_of_the_input():
    lif, fc = Neuron(name="lif", **LIF), Linear(name="fc", weight=ones(2, 4), bias=ones(2))
    end = Neuron(name="end", **LIF)
    assert lower(SpikingNetwork(name="net", nodes=(lif, Flatten(name="f"), fc, end))).shape == (4,)
    add = (lif, replace(lif, name="b"), Add(name="add"), fc, end)
    edges = ((INPUT, "lif"), (INPUT, "b"), ("lif", "add"), ("b", "add"), ("add", "fc"), ("fc", "end"))
    rule = "network: must have an input of known shape; give --input-shape, such as 1,28,28"
    with pytest.raises(UnsupportedModelError) as caught:
        lower(SpikingNetwork(name="net", nodes=add, edges=edges))
    assert caught.value.problems == (rule,)
    assert lower(SpikingNetwork(name="net", nodes=add, edges=edges, shape=(4,))).shape == (4,)
