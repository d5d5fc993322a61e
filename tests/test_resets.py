"""Resets and refractory steps: their numbers one by one, exact folds of them, and what is refused."""

import re
from dataclasses import replace

import numpy as np
import pytest
from float_layers import one_layer, quantized
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import chain, dense, lif, random_spikes

from snn2rtl.compiler import fold
from snn2rtl.errors import OptionError, QuantizationError, UnsupportedModelError
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import Convolution, Flatten, Integrator, Linear, Neuron
from snn2rtl.frontend import load, save
from snn2rtl.frontend.forward import to_spikingjelly
from snn2rtl.int_net import network_file
from snn2rtl.int_net.chain import DenseLayer
from snn2rtl.int_net.neurons import CubaLifNeuron, MultiplierLeak, NoLeak, Reset, ShiftLeak
from snn2rtl.int_net.reference import run
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.passes.fold_resets import fold_reset
from snn2rtl.passes.lower import lower
from snn2rtl.passes.quantize import quantize_network
from snn2rtl.training.init import temporal_options


def neuron(reset: Reset, fire_at: int = 4, reset_by: int = 4, leak=None, refractory: int = 0, bits: int = 16):
    plain = lif([fire_at], 0, leak, bits)
    return replace(plain, reset=reset, reset_by=np.array([reset_by * reset.subtracts]), refractory=refractory)


def states(layer: DenseLayer, inputs: list[int]) -> tuple[list[int], list[int]]:
    """Return spikes and membranes of the only neuron of a layer with one input."""
    trace = run(chain(layer), np.array(inputs, np.uint8).reshape(-1, 1, 1), record_membranes=True).in_order[0]
    assert trace.membranes is not None
    return trace.spikes.ravel().tolist(), trace.membranes.ravel().tolist()


@pytest.mark.parametrize(
    ("reset", "spikes", "membranes"),
    [
        (Reset.HARD, [1, 0, 0, 0], [0, 0, 0, 0]),
        (Reset.SOFT, [1, 1, 0, 0], [6, 1, 1, 1]),  # 10 - 4, 6 - 1 - 4
        (Reset.NONE, [1, 1, 1, 1], [10, 8, 6, 5]),
        (Reset.LATE, [1, 1, 0, 0], [10, 4, -1, 0]),  # 10 - 2 - 4, 4 - 1 - 4
        (Reset.STEPPED, [1, 0, 0, 0], [6, 5, 4, 3]),  # 5 and 4 reach 4, not 8; 4 - 1 fires at 4 again, and is below
    ],
)
def test_one_input_and_every_reset(reset, spikes, membranes):
    assert states(dense([[10]], neuron(reset, leak=ShiftLeak(2))), [1, 0, 0, 0]) == (spikes, membranes)


def test_a_stepped_neuron_fires_again_at_both_thresholds():
    layer = dense([[3]], neuron(Reset.STEPPED, fire_at=4, reset_by=2))
    # 3, 6 - 2, 7 reaches 6: 5, 8: 6, ...
    assert states(layer, [1, 1, 1, 1]) == ([0, 1, 1, 1], [3, 4, 5, 6])
    assert states(layer, [1, 1, 0, 0]) == ([0, 1, 0, 0], [3, 4, 4, 4])


@pytest.mark.parametrize(("steps", "spikes"), [(0, [1, 1, 1, 1, 1]), (1, [1, 0, 1, 0, 1]), (3, [1, 0, 0, 0, 1])])
def test_a_refractory_neuron_swallows_what_arrives(steps, spikes):
    layer = dense([[9]], neuron(Reset.HARD, refractory=steps))
    assert states(layer, [1] * 5) == (spikes, [0] * 5)


def test_a_refractory_neuron_counts_no_membrane_that_it_swallows_as_saturated():
    layer = dense([[9]], neuron(Reset.HARD, refractory=3, bits=4))
    assert run(chain(layer), np.ones((4, 1, 1), np.uint8)).saturations.membranes == {"fc1": 1}


def test_a_synaptic_current_goes_on_while_the_neuron_rests():
    plain = neuron(Reset.HARD, refractory=2)
    layer = dense([[4]], CubaLifNeuron(**vars(plain), synapse_leak=MultiplierLeak(15, 4)))
    # currents 4, 3, 2, 1 + 4, 4 + 4
    assert states(layer, [1, 0, 0, 1, 1]) == ([1, 0, 0, 1, 0], [0, 0, 0, 0, 0])


REFUSED = {
    "neuron: fire_at must be positive with a late reset": lambda: neuron(Reset.LATE, 0),
    "neuron: reset_by must be positive with a stepped reset": lambda: neuron(Reset.STEPPED, 4, 0),
    "neuron: reset_by must be zero with no reset": lambda: replace(neuron(Reset.NONE), reset_by=np.array([1])),
    "neuron: fire_at + reset_by must fit the membrane's 8 bits with a stepped reset, not reach 128": lambda: neuron(
        Reset.STEPPED, 64, 64, bits=8
    ),
    "neuron: refractory must be 0..255 steps, not 256": lambda: neuron(Reset.HARD, refractory=256),
    "neuron: reset must be 'hard' with refractory 1, not 'soft'": lambda: neuron(Reset.SOFT, refractory=1),
    "neuron: fire_at must be positive with refractory 1": lambda: neuron(Reset.HARD, 0, refractory=1),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_is_no_reset_is_refused(message):
    with pytest.raises(QuantizationError, match=f"^{re.escape(message)}$"):
        REFUSED[message]()


@pytest.mark.parametrize("kind", [*Reset, 1, 255])
def test_files_keep_every_reset(tmp_path, kind):
    made = neuron(kind) if isinstance(kind, Reset) else neuron(Reset.HARD, refractory=kind)
    network = chain(dense([[3]], made), dense([[1]], CubaLifNeuron(**vars(made), synapse_leak=ShiftLeak(1))))
    network_file.save(network, tmp_path / "n.npz")
    loaded = network_file.load(tmp_path / "n.npz")
    assert network_file.digest(loaded) == network_file.digest(network)
    for layer in loaded.populations:
        assert (layer.neuron.reset, layer.neuron.refractory) == (made.reset, made.refractory)


def test_a_file_without_refractory_steps_is_that_of_before(tmp_path):
    header, _ = network_file._parts(chain(dense([[1]], lif([4]))))
    assert "refractory" not in header


@st.composite
def one_reset(draw: st.DrawFn, reset: Reset) -> DenseLayer:
    """Draw a layer of such a reset whose neurons are often far above their thresholds."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    fire_at, reset_by = random.integers(1, 40, (2, 5))
    plain = lif(fire_at, reset_by, draw(st.sampled_from([NoLeak(), ShiftLeak(1), MultiplierLeak(8, 3)])))
    plain = replace(plain, reset=reset, membrane_bits=draw(st.sampled_from([8, 16])))
    if draw(st.booleans()):
        plain = CubaLifNeuron(**vars(plain), synapse_leak=ShiftLeak(1))
    reach = draw(st.sampled_from([4, 40]))
    return dense(random.integers(-reach, reach, (5, 3)), plain, bias=random.integers(-3, 4, 5))


@settings(max_examples=150)
@given(st.sampled_from([Reset.LATE, Reset.STEPPED]).flatmap(one_reset), st.integers(0, 99))
def test_a_folded_reset_makes_the_same_spikes(layer, seed):
    network = chain(layer)
    folded = replace(network, nodes=(fold_reset(network.populations[0]),))
    spikes = random_spikes(network, steps=20, samples=8, seed=seed)
    assert np.array_equal(run(network, spikes).in_order[0].spikes, run(folded, spikes).in_order[0].spikes)


@pytest.mark.parametrize(
    ("leak", "reset"),
    [(NoLeak(), Reset.SOFT), (MultiplierLeak(16, 4), Reset.SOFT), (MultiplierLeak(15, 4), Reset.LATE),
     (ShiftLeak(47), Reset.LATE), (ShiftLeak(1), Reset.LATE)],
)  # fmt: skip
def test_a_late_reset_is_a_soft_one_without_a_leak_alone(leak, reset):
    layer = dense([[10]], neuron(Reset.LATE, leak=leak)).population
    assert fold_reset(layer).neuron.reset is reset


@pytest.mark.parametrize(("weight", "reset"), [(4, Reset.SOFT), (5, Reset.STEPPED)])
def test_a_stepped_reset_is_a_soft_one_where_nothing_reaches_the_second_threshold(weight, reset):
    """A membrane of 3 is charged to 7, or to the second threshold 8."""
    assert fold_reset(dense([[weight]], neuron(Reset.STEPPED)).population).neuron.reset is reset


def test_a_membrane_holds_the_second_threshold():
    layer, _ = quantized(with_neuron(v_reset=None, tau=2.0, reset="stepped"), bits=4)
    both = layer.neuron.fire_at + layer.neuron.reset_by
    assert layer.neuron.reset is Reset.STEPPED
    assert layer.neuron.membrane_bits >= int(both.max()).bit_length() + 1
    rule = "membrane must have at least .* bits to reach the threshold"
    with pytest.raises(QuantizationError, match=rule):
        quantized(with_neuron(v_reset=None, tau=2.0, reset="stepped"), bits=4, membrane_bits=3)


def with_neuron(**changes) -> SpikingNetwork:
    """Return a network of two neurons with these values."""
    network = one_layer([[5.0, -1.0], [3.0, 1.0]])
    linear, plain = network.nodes
    return replace(network, nodes=(linear, replace(plain, **changes)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reset": "late"}, "v_reset must be None where reset is 'late', not 0.0"),
        ({"reset": "hard"}, "reset must be '', 'none', 'late' or 'stepped', not 'hard'"),
        ({"refractory": -1}, "refractory must be 0..255 time steps, not -1"),
        ({"refractory": 2, "v_reset": None}, "refractory must come with a v_reset, at which the membrane stays"),
        ({"v_threshold": [1.0, 2.0, 3.0]}, "v_threshold must have shape (2,), not (3,)"),
        ({"v_threshold": [1.0, np.nan]}, "v_threshold must be finite, not 1 NaN"),
    ],
)
def test_what_is_no_float_neuron_is_named(changes, message):
    with pytest.raises(UnsupportedModelError, match=re.escape(f"layer 'lif': {message}")):
        with_neuron(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"v_reset": None, "reset": "late"}, "reset of 'lif', which adapts, must be hard, soft or none, not late"),
        (
            {"v_reset": None, "reset": "stepped"},
            "reset of 'lif', which adapts, must be hard, soft or none, not stepped",
        ),
        ({"refractory": 2}, "refractory of 'lif', which adapts, must be 0 steps, not 2"),
    ],
)
def test_what_an_adaptive_neuron_has_not_is_named(changes, message):
    with pytest.raises(QuantizationError, match=re.escape(f"layer 'fc': {message}")):
        quantized(with_neuron(grow=1.0, adaptation_tau=4.0, **changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"v_threshold": [1.0, 0.0], "v_reset": None, "reset": "late"}, "threshold must be positive with a late reset"),
        ({"v_threshold": 0.0, "refractory": 1}, "threshold must be positive with refractory 1, not 0.0"),
    ],
)
def test_a_threshold_of_zero_is_refused_where_it_counts(changes, message):
    with pytest.raises(QuantizationError, match=re.escape(f"layer 'fc': {message}")):
        quantized(with_neuron(**changes))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"v_threshold": [1.0, 2.0]}, "a v_threshold of each neuron"),
        ({"v_reset": None, "reset": "none"}, "reset 'none'"),
        ({"refractory": 1}, "refractory"),
    ],
)
def test_what_spikingjelly_has_not_is_named(changes, what):
    rule = f"layer 'fc': must not have {what} to run in SpikingJelly"
    with pytest.raises(UnsupportedModelError, match=re.escape(rule)):
        to_spikingjelly(fold(with_neuron(**changes)))


def test_training_names_what_it_has_not(tmp_path):
    hidden = Neuron(name="lif", tau=2.0, v_threshold=[1.0, 2.0], v_reset=None, reset="late")
    one = np.ones((2, 2))
    nodes = (Linear(name="fc", weight=one, bias=one[0]), hidden, Linear(name="out", weight=one, bias=one[0]))
    save(SpikingNetwork(name="net", nodes=(*nodes, Integrator(name="li", tau=2.0, score="max"))), tmp_path / "net.pt")
    rule = "layer 'lif' must not have a v_threshold of each neuron, reset 'late' to be trained here"
    with pytest.raises(OptionError, match=rule):
        temporal_options(tmp_path / "net.pt")


def test_files_keep_what_neurons_have(tmp_path):
    for number, changes in enumerate(
        ({"v_threshold": [1.0, 0.3]}, {"v_reset": None, "reset": "stepped"}, {"refractory": 5})
    ):
        save(with_neuron(**changes), tmp_path / f"{number}.pt")
        found = load(tmp_path / f"{number}.pt").nodes[-1]
        for key, value in changes.items():
            assert np.array_equal(getattr(found, key), value) or getattr(found, key) is value


@pytest.mark.parametrize("scale", ["neuron", "layer"])
def test_each_neuron_has_its_own_threshold(scale):
    layer, report = quantized(with_neuron(v_threshold=[2.0, 4.5], v_reset=0.5), scale=scale, membrane_fraction=1)
    steps = np.array([1.5, 4.0]) / [report.scale_min, report.scale_max] * 2
    assert (report.threshold_error, report.weight_error) == (0, 0)
    assert layer.neuron.fire_at.tolist() == steps.tolist()


@pytest.mark.parametrize("scale", ["neuron", "layer"])
def test_steps_divide_the_threshold_of_each_neuron(scale):
    """Weights that no power of two divides are searched beside the threshold of their own neuron."""
    network = with_neuron(v_threshold=[0.7, 1.9])
    linear, plain = network.nodes
    weight = np.random.default_rng(5).normal(size=(2, 9))
    network = replace(network, nodes=(replace(linear, weight=weight), plain))
    _, report = quantized(network, scale=scale, bits=5)
    assert (report.threshold_error < 1e-6) == (scale == "neuron")


def test_neurons_of_a_kernel_have_their_own_thresholds():
    kernel = Convolution(name="conv", weight=np.ones((1, 1, 2)), bias=[0.0], stride=(1,), padding=(0,), dilation=(1,))
    fire = Neuron(name="if", tau=None, v_threshold=[1.0, 2.0, 3.0], v_reset=None)
    last = Linear(name="fc", weight=np.eye(3), bias=np.zeros(3))
    end = Neuron(name="end", tau=None, v_threshold=1.0, v_reset=0.0)
    nodes = (kernel, fire, Flatten(name="flatten"), last, end)
    network = SpikingNetwork(name="net", nodes=nodes, shape=(1, 4))
    integer, _ = quantize_network(lower(network), QuantizeOptions(bits=PerLayer(8)))
    first = integer.populations[0]
    unit = first.neuron.fire_at[0]
    assert first.neuron.fire_at.tolist() == first.neuron.reset_by.tolist() == [unit, 2 * unit, 3 * unit]
    assert run(integer, np.ones((6, 1, 4), np.uint8)).in_order[0].spikes[:, 0].sum(axis=0).tolist() == [6, 6, 4]
