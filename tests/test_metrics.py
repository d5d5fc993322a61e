"""Every count against a loop over samples, steps, inputs and neurons."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import run_sample
from networks import chain, dense, lif, networks, random_spikes

from snn2rtl.data.samples import Samples
from snn2rtl.encoders import Encoder
from snn2rtl.errors import DataError
from snn2rtl.int_net.chain import layers_of
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.measure import metrics
from snn2rtl.options import PerLayer, RtlOptions
from snn2rtl.rtl.plan import plan


def measured(network: FixedPointNetwork, spikes: np.ndarray, labels: np.ndarray | None = None) -> metrics.Metrics:
    activity = metrics.observe(network, Samples(spikes, labels, None))
    return metrics.measure(network, plan(network), activity, labels)


def naive(network: FixedPointNetwork, spikes: np.ndarray) -> tuple[list[dict[str, object]], list[int]]:
    """Return the numbers of every layer, and the classes."""
    layers = layers_of(network)
    found = [{"operations": 0, "spikes": [0] * x.num_neurons, "low": 0, "high": 0} for x in layers]
    classes = []
    for sample in range(spikes.shape[1]):
        inputs = spikes[:, sample].tolist()
        events, membranes, _, winner = run_sample(network, inputs)
        classes.append(winner)
        for step, first in enumerate(inputs):
            entering = first
            for index, layer in enumerate(layers):
                entry = found[index]
                for i, spike in enumerate(entering):
                    arrives = spike and step + (0 if layer.delay is None else layer.delay[i]) < len(inputs)
                    entry["operations"] += sum(1 for row in layer.weight.tolist() if arrives and row[i])
                for k, spike in enumerate(events[step][index]):
                    returns = spike and layer.recurrent is not None and step < len(inputs) - 1
                    entry["operations"] += sum(1 for row in layer.recurrent.tolist() if row[k]) if returns else 0
                entry["low"] = min(entry["low"], *membranes[step][index])
                entry["high"] = max(entry["high"], *membranes[step][index])
                entering = events[step][index]
                entry["spikes"] = [a + b for a, b in zip(entry["spikes"], entering, strict=True)]
    return found, classes


@settings(max_examples=60)
@given(networks(), st.integers(1, 5), st.integers(1, 4), st.integers(0, 99))
def test_counts_are_those_of_the_loops(network: FixedPointNetwork, steps: int, samples: int, seed: int) -> None:
    spikes = random_spikes(network, steps, samples, seed)
    labels = np.random.default_rng(seed).integers(0, network.num_classes, samples)
    found = measured(network, spikes, labels)
    expected, classes = naive(network, spikes)
    assert found.input_spikes == sum(spikes.ravel().tolist()) / samples
    for layer, entry, source in zip(found.layers, expected, layers_of(network), strict=True):
        synapses = [source.weight] if source.recurrent is None else [source.weight, source.recurrent]
        weights = [weight for one in synapses for row in one.tolist() for weight in row]
        assert layer.weights == len(weights)
        assert layer.nonzero == len([weight for weight in weights if weight])
        assert layer.parameters == len(weights) + (source.num_neurons if any(source.bias.tolist()) else 0)
        assert metrics.sparsity((layer,)) == 1 - layer.nonzero / len(weights)
        assert layer.macs == steps * len(weights)
        assert layer.operations == entry["operations"] / samples
        assert layer.spikes == sum(entry["spikes"]) / samples
        assert layer.rates.tolist() == [count / (steps * samples) for count in entry["spikes"]]
        assert layer.never_spiked == entry["spikes"].count(0)
        assert (layer.membrane_low, layer.membrane_high) == (entry["low"], entry["high"])
        assert layer.membrane_bits == source.neuron.membrane_bits
        assert layer.cannot_spike <= layer.never_spiked
    right = [label == winner for label, winner in zip(labels.tolist(), classes, strict=True)]
    assert found.accuracy == sum(right) / samples
    for label, winner in zip(labels.tolist(), classes, strict=True):
        found.confusion[label, winner] -= 1
    assert not found.confusion.any()


def test_counts_written_by_hand() -> None:
    # input 0 touches two weights, input 1 one; neuron 0 fires with input 0, neuron 1 never
    network = chain(dense([[5, 0], [1, -1]], lif([5, 100])), dense([[7, 7]], 7, bias=1))
    spikes = np.array([[[1, 1]], [[0, 1]], [[1, 0]]], np.uint8)
    first, second = measured(network, spikes).layers
    assert (first.operations, first.spikes, first.never_spiked) == (2 * 2 + 2 * 1, 2, 1)
    assert first.rates.tolist() == [2 / 3, 0]
    assert (first.membrane_low, first.membrane_high) == (-1, 0)
    assert (second.operations, second.spikes, second.biases, second.parameters) == (2, 2, 1, 3)
    assert (first.macs, second.macs) == (12, 6)


def test_bits_are_those_of_the_hardware() -> None:
    weight = np.zeros((8, 6), int)
    weight[3, 2] = 1
    network = chain(dense(weight), dense(np.ones((2, 8), int)))
    design = plan(network, RtlOptions(lanes=PerLayer(2)))
    activity = metrics.observe(network, Samples(random_spikes(network, 2, 2), None, None))
    found = metrics.measure(network, design, activity, None)
    for layer, hardware in zip(found.layers, design.layers, strict=True):
        assert layer.bits == {kind: cost.bits for kind, cost in hardware.costs.items()}
        assert layer.layout == hardware.layout.kind
        assert (layer.rom_bits, layer.state_bits) == (hardware.rom_bits, hardware.state_bits)
    bits = metrics.memory_bits(found.layers)
    assert bits["int8"] == 8 * (8 * 6 + 2 * 8)
    assert bits["float32"] == 32 * (8 * 6 + 2 * 8)
    assert bits["dense"] == sum(layer.bits["dense"] for layer in found.layers)
    assert found.layers[0].cannot_spike == 7


def test_parts_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    network = chain(dense(np.arange(-12, 12).reshape(4, 6), 9), dense(np.arange(8).reshape(2, 4), 11))
    images = np.random.default_rng(0).integers(0, 256, (13, 6)).astype(np.uint8)
    samples = Samples(images, None, Encoder.poisson(7, 0.9), 3)
    whole = metrics.observe(network, samples)
    told: list[int] = []
    monkeypatch.setattr(metrics, "_CHUNK_BYTES", 700)
    parts = metrics.observe(network, samples, told.append)
    assert len(told) > 2
    assert sum(told) == whole.samples == parts.samples == 13
    assert (whole.steps, whole.membranes) == (parts.steps, parts.membranes)
    assert np.array_equal(whole.classes, parts.classes)
    assert whole.events.keys() == parts.events.keys()
    for name, one in whole.events.items():
        assert one.any()
        assert np.array_equal(one, parts.events[name])


def test_recordings_of_a_part_stay_small() -> None:
    network = chain(dense(np.ones((400, 784), int)), dense(np.ones((10, 400), int)))
    samples = Samples(np.zeros((10_000, 784), np.uint8), None, Encoder.poisson(100, 0.7))
    part = metrics.chunk_size(network, samples)
    assert part * 100 * (784 + 410 * (1 + 2)) <= 1 << 25
    assert part > 50  # and large enough for BLAS


def test_json_has_everything() -> None:
    network = chain(dense([[5, 0], [1, -1]], lif([5, 100])), dense([[7, 7], [0, 3]], 7))
    labels = np.array([0, 1, 1])
    data = json.loads(json.dumps(measured(network, random_spikes(network, 4, 3), labels).to_dict()))
    assert data["samples"] == 3
    assert data["time_steps"] == 4
    assert np.sum(data["confusion"]) == 3
    total, layers = data["total"], data["layers"]
    for key in ("weights", "nonzero_weights", "macs", "synaptic_operations", "spikes", "never_spiked", "rom_bits"):
        assert total[key] == sum(layer[key] for layer in layers)
    assert total["weight_memory_bits"]["int8"] == 64
    assert total["sparsity"] == 2 / 8
    assert layers[0]["firing_rate"]["highest"] >= layers[0]["firing_rate"]["mean"]
    assert layers[0]["membrane_range"][0] <= 0 <= layers[0]["membrane_range"][1]


def test_without_labels_there_is_no_accuracy() -> None:
    network = chain(dense([[1]]))
    found = measured(network, random_spikes(network, 2, 2))
    assert found.accuracy is None
    assert found.to_dict()["confusion"] is None


def test_rows_of_one_layer_have_no_sum() -> None:
    one = chain(dense([[1]]))
    two = chain(dense([[1]]), dense([[1]]))
    assert [name for name, _ in metrics.rows(measured(one, random_spikes(one, 2, 2)))] == ["fc1"]
    assert [name for name, _ in metrics.rows(measured(two, random_spikes(two, 2, 2)))] == ["fc1", "fc2", "all"]


@pytest.mark.parametrize("label", [-1, 2, 300])
def test_a_label_that_is_no_class_is_refused(label: int) -> None:
    with pytest.raises(DataError, match=rf"^labels: must be classes 0\.\.1 of the network, not {label}$"):
        metrics.confusion(np.array([0, label]), np.array([0, 0]), 2)
