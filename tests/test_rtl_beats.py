import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from networks import chain, dense, direct_hardware, networks, random_pixels, random_spikes

from snn2rtl.errors import VerificationError
from snn2rtl.int_net import reference
from snn2rtl.int_net.chain import layers_of
from snn2rtl.options import PerLayer, RtlOptions
from snn2rtl.rtl.beats import (
    event_words,
    input_words,
    layer_words,
    output_words,
    pixel_words,
    read_events,
    read_scores,
)
from snn2rtl.rtl.hextext import from_bits, to_bits
from snn2rtl.rtl.plan import plan


def spikes_of(seed: int, steps: int, samples: int, places: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, (steps, samples, places), dtype=np.uint8)


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(0, 4), st.integers(1, 9))
def test_event_words_read_back(seed, steps, samples, places):
    spikes = spikes_of(seed, steps, samples, places)
    random = np.random.default_rng(seed)
    placement = random.permutation(places + 2)[:places]  # neurons 0 .. places + 1, of which some have no place
    words = event_words(spikes, addr_width=4)
    got = read_events(words, placement, neurons=places + 2, steps=steps, samples=samples, what="fc")
    assert np.array_equal(got[:, :, placement], spikes)
    assert got.sum() == spikes.sum()


def test_event_words_one_by_one():
    spikes = np.array([[[1, 0, 1]], [[0, 0, 0]], [[0, 1, 0]]], np.uint8)
    # {sample end, step end, address}: addresses in order, then the end of the step
    assert from_bits(event_words(spikes, 2)).tolist() == [0b0000, 0b0010, 0b0100, 0b0100, 0b0001, 0b1100]
    assert from_bits(event_words(spikes, 2, data_width=8))[-1] == 0b1_0000_0100


def test_samples_follow_one_another():
    spikes = np.array([[[1], [0]], [[0], [1]]], np.uint8)
    assert from_bits(event_words(spikes, 1)).tolist() == [0b000, 0b010, 0b110, 0b010, 0b000, 0b110]


GOOD = [0b000, 0b001, 0b010, 0b110]  # neurons 0 and 1 spike in the first of two steps


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], r"^fc: must end 2 steps in each of 1 samples, not 0 steps in 0 samples$"),
        (GOOD[:3], r"^fc: must end 2 steps in each of 1 samples, not 1 steps in 0 samples$"),
        ([*GOOD, 0b110], r"^fc: must end 2 steps in each of 1 samples, not 3 steps in 2 samples$"),
        ([0b110, 0b010], r"^fc: must end 2 steps in each of 1 samples, not 2 steps in 1 samples$"),
        ([0b010, 0b010], r"^fc: must end 2 steps in each of 1 samples, not 2 steps in 0 samples$"),
        ([0b100, 0b010, 0b110], r"^fc: must end a sample with its last step only, not with a spike$"),
        ([*GOOD, 0b000], r"^fc: must end with the end of a step, not with a spike$"),
        ([0b000, 0b000, 0b010, 0b110], r"^fc: a neuron must spike once a step, not twice$"),
    ],
)
def test_streams_that_are_wrong(words, message):
    bits = to_bits(np.array(words, np.int64), 3)
    with pytest.raises(VerificationError, match=message):
        read_events(bits, np.arange(2), neurons=2, steps=2, samples=1, what="fc")


def test_an_address_without_a_neuron():
    with pytest.raises(VerificationError, match=r"^fc: address must be below 1, not 1$"):
        read_events(to_bits(np.array(GOOD), 3), np.arange(1), neurons=1, steps=2, samples=1, what="fc")


@given(networks(), st.integers(0, 99), st.sampled_from(["class", "counts", "spikes"]))
def test_the_words_of_every_port_read_back(network, seed, output):
    assume(output != "spikes" or layers_of(network)[-1].neuron.spikes)
    design = plan(network, RtlOptions(output=output, lanes=PerLayer(2)))
    spikes = random_spikes(network, 3, 4, seed)
    result = reference.run(network, spikes)
    sizes = {"steps": 3, "samples": 4, "what": "stream"}

    words = input_words(design, spikes)
    assert words.shape[1] == design.in_data_width + 1
    used = np.delete(words, slice(1, design.in_data_width - design.in_addr_width), axis=1)
    inputs = np.arange(network.num_inputs)
    assert np.array_equal(read_events(used, inputs, neurons=network.num_inputs, **sizes), spikes)

    for layer, trace in zip(design.layers, result.in_order, strict=True):
        words = layer_words(design, result)[layer.stream]
        neurons = trace.spikes.shape[2]
        if layer.scores:
            read = read_scores(words, neurons=neurons, samples=4, what="stream")
            assert np.array_equal(read, result.counts)
            continue
        assert np.array_equal(read_events(words, layer.placement, neurons=neurons, **sizes), trace.spikes)

    words = output_words(design, result)
    assert words.shape[1] == design.out_data_width + 1
    if output != "spikes":
        assert words[:, 0].all()
        assert from_bits(words[:, -design.class_width :]).tolist() == result.classes.tolist()
    if output == "counts":
        fields = words[:, -design.class_width - design.counts_width : -design.class_width]
        counts = from_bits(fields.reshape(-1, design.count_width)).reshape(4, -1)[:, ::-1]
        assert np.array_equal(counts, result.counts & (1 << design.count_width) - 1)


def test_pixel_words_to_the_bit():
    pixels = np.array([[1, 2, 255], [0, 16, 0]], np.uint8)
    # tlast, and two pixels in a beat, the first one in the lowest bits; nothing behind the last one
    assert from_bits(pixel_words(pixels, 2)).tolist() == [0x0_0201, 0x1_00FF, 0x0_1000, 0x1_0000]
    assert from_bits(pixel_words(pixels, 4)).tolist() == [0x1_00FF0201, 0x1_00001000]
    assert pixel_words(pixels, 8).shape == (2, 65)


@given(networks(), st.integers(0, 99), st.integers(1, 8))
def test_the_words_of_a_directly_coded_network(network, seed, beat_pixels):
    network = direct_hardware(network, 3)
    design = plan(network, RtlOptions(beat_pixels=beat_pixels))
    pixels = random_pixels(network.num_inputs, 4, seed)
    words = input_words(design, pixels)
    beats = -(-network.num_inputs // beat_pixels)
    assert words.shape == (4 * beats, design.in_data_width + 1)
    assert words[:, 0].tolist() == ([0] * (beats - 1) + [1]) * 4
    found = np.packbits(words[:, 1:].reshape(-1, 8), axis=1).reshape(4, beats, beat_pixels)[:, :, ::-1]
    assert np.array_equal(found.reshape(4, -1)[:, : network.num_inputs], pixels)
    assert not found.reshape(4, -1)[:, network.num_inputs :].any()
    assert output_words(design, reference.run(network, pixels)).shape[0] == 4


def test_output_words_to_the_bit():
    network = chain(dense([[1, 0], [0, 1]]), count_bits=2)
    spikes = np.array([[[0, 1]], [[0, 1]], [[1, 1]]], np.uint8)
    design = plan(network, RtlOptions(output="counts"))
    words = output_words(design, reference.run(network, spikes))
    # tlast, padding, counts 3 and 1 of 2 bits each, and class 1 in a byte of its own
    assert from_bits(words).tolist() == [1 << 16 | 0b11_01 << 8 | 1]
