"""8-bit values, new in every step: the golden model, from floats to integers, files of samples, cycles and refusals."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import naive
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import chain, dense, lif, networks, random_pixels, valued
from rational import run_sample
from spikingjelly.activation_based import functional, layer, neuron
from torch import nn

from snn2rtl.api import compile
from snn2rtl.commands import verify as command
from snn2rtl.compiler import compile_network
from snn2rtl.data.samples import Samples, samples_for
from snn2rtl.encoders import Encoder
from snn2rtl.errors import DataError, OptionError, QuantizationError, Snn2RtlError, UnsupportedModelError
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import Convolution, Flatten, Linear, MaxPool, Neuron
from snn2rtl.frontend import from_module
from snn2rtl.int_net import network_file, reference
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.population import Connection
from snn2rtl.int_net.synapses import Dense
from snn2rtl.measure.energy import estimate
from snn2rtl.measure.metrics import observe
from snn2rtl.options import PerLayer, QuantizeOptions, RtlOptions
from snn2rtl.pools import INPUT
from snn2rtl.rtl import beats, timing
from snn2rtl.rtl.estimate import cycles
from snn2rtl.rtl.hextext import from_bits
from snn2rtl.rtl.plan import plan
from snn2rtl.verify.limit import cycle_limit

STEPS = 4
ENCODER = Encoder(kind="values")


def random_values(steps: int, samples: int, inputs: int, seed: int = 0) -> np.ndarray:
    """Return values of shape (steps, samples, inputs), of which many are 0 or 255 and no step is like another."""
    return random_pixels(inputs, steps * samples, seed).reshape(samples, steps, inputs).transpose(1, 0, 2)


# The golden model


@settings(max_examples=60)
@given(networks(), st.integers(0, 5), st.integers(0, 2**32 - 1))
def test_the_golden_model_is_the_definition(network: FixedPointNetwork, steps: int, seed: int) -> None:
    network, values = valued(network), random_values(steps, 4, network.num_inputs, seed)
    result = reference.run(network, values, record_membranes=True)
    for n in range(4):
        seen, membranes, counts, winner = naive.run_sample(network, values[:, n].tolist())
        for index, trace in enumerate(result.in_order):
            assert trace.spikes[:, n].tolist() == [step[index] for step in seen]
            assert trace.membranes is not None
            assert trace.membranes[:, n].tolist() == [step[index] for step in membranes]
        assert (result.counts[n].tolist(), result.classes[n]) == (counts, winner)


def test_a_spike_stands_for_255_where_all_weights_are_zero() -> None:
    layer = dense([[0]], lif([0], membrane_bits=2), weight_bits=1, recurrent=np.zeros((1, 1), int))
    result = reference.run(valued(chain(layer)), np.ones((2, 1, 1), np.uint8))
    assert result.counts.tolist() == [[2]]


def test_every_step_has_a_current_of_its_own() -> None:
    network = valued(chain(dense([[2, -1]], lif([1000]), bias=[3], weight_shift=1)))
    values = np.array([[[100, 255]], [[0, 0]], [[1, 0]]], np.uint8)
    trace = reference.run(network, values, record_membranes=True).in_order[0]
    assert trace.membranes is not None
    assert np.diff(trace.membranes.ravel(), prepend=0).tolist() == [3 + (200 - 255) * 2, 3, 3 + 4]


def test_values_that_do_not_fit_are_refused() -> None:
    network = valued(chain(dense([[1, 2, 3]])))
    for values, message in (
        (np.zeros((2, 3), np.uint8), r"input values: must have shape \(T, N, 3\), not \(2, 3\)"),
        (np.zeros((2, 2, 3), np.uint16), "input values: must be of type uint8, not uint16"),
    ):
        with pytest.raises(DataError, match=message):
            reference.run(network, values)


def test_a_file_keeps_what_spikes_count_beside_values(tmp_path: Path) -> None:
    recurrent = replace(dense([[1, 2]], 300), recurrent=np.array([[3]]))
    network = valued(chain(recurrent))
    network_file.save(network, tmp_path / "net.npz")
    found = network_file.load(tmp_path / "net.npz")
    assert network_file.digest(found) == network_file.digest(network)
    assert found.populations[0].recurrent.spike_value == 255
    assert found.encoder == ENCODER


def test_what_spikes_count_stands_beside_values_only() -> None:
    with pytest.raises(QuantizationError, match="layer 'fc1': spike_value must be left out where no values enter"):
        chain(replace(dense([[1]]), recurrent=np.array([[1]]), spike_value=255))
    with pytest.raises(QuantizationError, match=r"spike_value must be 1\.\.255, not 256"):
        Connection(source=INPUT, synapses=Dense(np.ones((1, 1), int)), spike_value=256)
    with pytest.raises(OptionError, match="encoder: time_steps must be left out where kind is values, not 3"):
        Encoder(kind="values", time_steps=3)


# From floats


def quarters(random: np.random.Generator, *shape: int) -> np.ndarray:
    return random.integers(-4, 7, shape) / 4


def exact(bits: int = 10) -> QuantizeOptions:
    return QuantizeOptions(
        bits=PerLayer(bits), membrane_fraction=PerLayer(2 * STEPS + 4), time_steps=STEPS, strict=True
    )


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("tau", [None, 2.0])
def test_every_spike_is_that_of_the_float_network_in_rational_numbers(tau: float | None, recurrent: bool) -> None:
    random = np.random.default_rng(3)
    nodes = (
        Linear(name="fc", weight=quarters(random, 6, 5), bias=quarters(random, 6) / 4,
               recurrent=quarters(random, 6, 6) - 0.25 if recurrent else None),
        Neuron(name="if", tau=tau, v_threshold=1.0, v_reset=None),
        Linear(name="out", weight=quarters(random, 3, 6), bias=quarters(random, 3)),
        Neuron(name="last", tau=tau, v_threshold=1.0, v_reset=0.0),
    )  # fmt: skip
    network = SpikingNetwork(name="net", nodes=nodes, encoder=ENCODER)
    integer, _ = compile_network(network, exact())
    values = random_values(STEPS, 20, 5)
    result = reference.run(integer, values)
    assert 0.1 < result.in_order[0].spikes.mean() < 0.9
    for n in range(20):
        steps = [[Fraction(value, 255) for value in step] for step in values[:, n].tolist()]
        assert result.in_order[-1].spikes[:, n].tolist() == run_sample(network, steps)


@pytest.mark.parametrize("v_reset", [0.0, None])
def test_every_spike_is_that_of_spikingjelly(v_reset: float | None) -> None:
    """Dividing values by 255 is not exact; a first layer of 255 times the bias and threshold takes them whole."""
    random = np.random.default_rng(1)

    def build(scale: float) -> nn.Sequential:
        common = {"tau": 2.0, "decay_input": False, "v_reset": v_reset}
        return nn.Sequential(nn.Linear(7, 6), neuron.LIFNode(v_threshold=scale, **common),
                             nn.Linear(6, 3), neuron.LIFNode(v_threshold=0.5, **common))  # fmt: skip

    net, whole = build(1.0), build(255.0)
    with torch.no_grad():
        for index in (0, 2):
            for name, parameter in net[index].named_parameters():
                parameter.copy_(torch.tensor(quarters(random, *parameter.shape)))
                scale = 255 if index == 0 and name == "bias" else 1
                getattr(whole[index], name).copy_(parameter * scale)
    values = random_values(STEPS, 40, 7)
    integer, _ = compile_network(from_module(net, encoder=ENCODER), exact())
    result = reference.run(integer, values)
    functional.reset_net(whole)
    for t, step in enumerate(values):
        hidden = whole[1](whole[0](torch.tensor(step.copy()).float()))
        assert np.array_equal(result.in_order[0].spikes[t], hidden.detach().numpy())
        assert np.array_equal(result.in_order[1].spikes[t], whole[3](whole[2](hidden)).detach().numpy())
    assert 0.1 < result.in_order[0].spikes.mean() < 0.9


def test_a_network_that_loops_over_steps_takes_values(tmp_path: Path) -> None:
    """Sequential images, to a recurrent layer: (N, T, inputs) in, and the same classes in floats and integers."""

    class Rows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            cell = neuron.LIFNode(tau=2.0, v_threshold=0.5)
            self.fc = nn.Linear(7, 6)
            self.recurrent = layer.LinearRecurrentContainer(cell, 6, 6)
            self.out = nn.Linear(6, 3)
            self.last = neuron.IFNode(v_threshold=0.5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            counts = 0
            for t in range(x.shape[1]):
                counts = counts + self.last(self.out(self.recurrent(self.fc(x[:, t]))))
            return counts

    torch.manual_seed(1)
    images = random_values(5, 60, 7).transpose(1, 0, 2)
    np.savez(tmp_path / "x.npz", images=images, labels=np.zeros(60, int))
    net = Rows().eval()
    options = QuantizeOptions(bits=PerLayer(16), membrane_fraction=PerLayer(4))
    compiled = compile(
        net, encoder=ENCODER, example_input=torch.rand(2, 5, 7), quantize=options,
        calibration=lambda network: samples_for(network, tmp_path / "x.npz"),
    )  # fmt: skip
    assert compiled.network.populations[0].recurrent.spike_value == 255
    samples = samples_for(compiled.network, tmp_path / "x.npz")
    assert (samples.steps, len(samples)) == (5, 60)
    result = reference.run(compiled.network, samples.inputs(0, 60))
    with torch.no_grad():
        wanted = net(torch.tensor(images.copy()).float() / 255).numpy()
    assert np.mean(result.counts == wanted) > 0.95
    assert result.counts.any()
    assert compiled.accuracy is not None
    assert compiled.accuracy.agreement > 0.95


# Samples

PLAIN = valued(chain(dense([[1, -2, 3, 4], [0, 5, -6, 7]], 300)))


def test_a_file_gives_values_by_shape(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (6, 3, 4), np.uint8)
    np.savez(tmp_path / "a.npz", values=values)
    np.savez(tmp_path / "b.npz", images=values)
    np.save(tmp_path / "c.npy", np.zeros_like(values))
    for name in "ab":
        samples = samples_for(PLAIN, tmp_path / f"{name}.npz")
        assert np.array_equal(samples.inputs(2, 5), values[2:5].transpose(1, 0, 2))
    black = samples_for(PLAIN, tmp_path / "c.npy", limit=2)
    assert (black.inputs(0, 2).shape, black.steps) == ((3, 2, 4), 3)


BAD_FILES: dict[str, tuple[dict[str, np.ndarray], str]] = {
    "floats": ({"values": np.zeros((6, 3, 4))},
               r"values must be uint8 of shape \(N, T, 4\), not float64 of shape \(6, 3, 4\)"),
    "no steps": ({"values": np.zeros((6, 0, 4), np.uint8)}, r"values must be uint8 of shape \(N, T, 4\)"),
    "images": ({"images": np.zeros((6, 12), np.uint8)}, r"not uint8 of shape \(6, 12\)"),
    "spikes": ({"spikes": np.zeros((3, 6, 4), np.uint8)},
               "must hold values for a network that takes those of each step, not spikes"),
    "nothing": ({"x": np.zeros((3, 6, 4), np.uint8)}, "must hold an array 'values' or 'images', not x"),
    "empty": ({"values": np.zeros((0, 3, 4), np.uint8)}, "must hold at least one sample, not none"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_FILES)
def test_what_is_no_file_of_values_is_refused(tmp_path: Path, case: str) -> None:
    arrays, message = BAD_FILES[case]
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(DataError, match=message):
        samples_for(PLAIN, tmp_path / "x.npz")


# Hardware


def test_a_step_is_so_many_beats_and_the_last_one_ends_the_sample() -> None:
    values = np.array([[[1, 2, 3]], [[0, 0, 4]]], np.uint8)
    words = from_bits(beats.pixel_words(values, 2)).tolist()
    assert words == [0x0201, 0x0003, 0x0000, 0x1_0004]


def test_a_value_is_an_event_and_zero_costs_no_cycle() -> None:
    design = plan(PLAIN, RtlOptions(lanes=PerLayer(1)))
    values = np.zeros((3, 2, 4), np.uint8)
    values[0, 1] = values[2, 1] = [255, 0, 1, 2]
    result = reference.run(PLAIN, values)
    limit = cycle_limit(PLAIN, design, values, result)
    assert limit.tolist() == [3 * 2, 3 * 2 + 2 * (1 + 2 + 2)]
    assert (cycles(PLAIN, design, values, result) - limit).tolist() == [3 * timing.DRAIN, 3 * timing.DRAIN + 2]
    activity = observe(PLAIN, Samples(values, None, ENCODER))
    (layer,) = estimate(PLAIN, design, activity)
    assert layer.products == 2 * 3 * 2 / 2
    assert activity.events[INPUT].tolist() == [2, 0, 2, 2]


def test_random_samples_of_verify_have_values_in_each_step() -> None:
    samples = command._samples(SimpleNamespace(network=PLAIN), None, 5, 1)
    assert (len(samples), samples.steps) == (5, command.RANDOM_STEPS)
    assert reference.run(PLAIN, samples.inputs(0, 5)).counts.any()


def over(network: FixedPointNetwork, **changes: object) -> FixedPointNetwork:
    """Return a network whose population has another first connection beside that of values."""
    first = network.populations[0]
    inputs = (*first.inputs, Connection(source="other", synapses=Dense(np.ones((2, 1), int)), **changes))  # type: ignore[arg-type]
    other = replace(chain(dense([[1, 1, 1, 1]], 9)).populations[0], name="other")
    other = replace(other, inputs=(replace(other.inputs[0], greatest=255),))
    return replace(network, nodes=(other, replace(first, inputs=inputs)))


def test_delays_beside_values_have_no_hardware() -> None:
    late = over(PLAIN, delay=np.array([1]), spike_value=255)
    assert reference.run(late, random_values(3, 2, 4)).counts.shape == (2, 2)
    message = "layer 'fc1': must not have delays where values enter it; put a layer before it"
    with pytest.raises(UnsupportedModelError, match=message):
        plan(late)


LAST = Neuron(name="if", tau=None, v_threshold=1.0, v_reset=0.0)
REFUSED: dict[str, tuple[Callable[[], SpikingNetwork], str]] = {
    "delays": (
        lambda: SpikingNetwork(name="n", encoder=ENCODER, nodes=(
            Linear(name="fc", weight=np.ones((2, 3)), bias=np.zeros(2), delay=np.array([0, 1, 2])), LAST)),
        "layer 'fc': delays must be those of spikes, not of pixels or counts",
    ),
    "max pools": (
        lambda: SpikingNetwork(name="n", encoder=ENCODER, shape=(1, 4, 4), nodes=(
            MaxPool(name="pool", kernel=(2, 2), stride=(2, 2)),
            Convolution(name="c", weight=np.ones((1, 1, 2, 2)), bias=np.zeros(1), stride=(1, 1), padding=(0, 0),
                        dilation=(1, 1), groups=1),
            Flatten(name="flat"), LAST)),
        "layer 'pool': MaxPool of currents must come right before spiking neurons",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_takes_spikes_only_is_refused_by_name(what: str) -> None:
    build, message = REFUSED[what]
    with pytest.raises(Snn2RtlError, match=message):
        compile_network(build())


def test_an_encoder_is_chosen_for_models_without_one() -> None:
    net = nn.Sequential(nn.Linear(4, 3), neuron.IFNode())
    assert compile(net, encoder=ENCODER).network.encoder == ENCODER
    direct = from_module(net, encoder=Encoder(kind="direct", time_steps=3))
    message = "--encoder: must be left out where the model has an encoder, direct, not values"
    with pytest.raises(OptionError, match=message):
        compile(direct, encoder=ENCODER)
    with pytest.raises(UnsupportedModelError, match="greatest count of an input must be 1 with an encoder, not 7"):
        compile(net, encoder=ENCODER, input_max=7)
