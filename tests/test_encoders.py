import re
from dataclasses import replace

import numpy as np
import pytest

from snn2rtl.encoders import Encoder
from snn2rtl.errors import DataError, OptionError

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 21), dtype=np.uint8)


def xorshift(time_steps: int, rate: int = 180) -> Encoder:
    return Encoder(kind="poisson", time_steps=time_steps, rate=rate, noise="xorshift")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "rate"}, "encoder: kind must be poisson, direct or values, not 'rate'"),
        ({"time_steps": 0}, "encoder: time_steps must be a positive integer, not 0"),
        ({"time_steps": 1.5}, "encoder: time_steps must be a positive integer, not 1.5"),
        ({"rate": -1}, "encoder: rate must be an integer of 0..257, not -1"),
        ({"rate": 258}, "encoder: rate must be an integer of 0..257, not 258"),
        ({"noise": "lfsr"}, "encoder: noise must be philox or xorshift, not 'lfsr'"),
        (
            {"kind": "direct", "noise": "xorshift"},
            "encoder: noise must be left out where kind is direct, not 'xorshift'",
        ),
    ],
)
def test_invalid_encoders_cannot_be_built(values, message):
    with pytest.raises(OptionError, match=rf"^{re.escape(message)}$"):
        Encoder(**{"kind": "poisson", "time_steps": 1, "rate": 1, **values})


def test_dictionary_round_trip():
    for encoder in (Encoder.poisson(100, 0.7), Encoder(kind="direct", time_steps=4), xorshift(9)):
        assert Encoder.from_dict(encoder.to_dict()) == encoder


def test_files_of_philox_are_those_from_before_there_was_a_choice():
    assert Encoder.poisson(2, 0.7).to_dict() == {"kind": "poisson", "time_steps": 2, "rate": 180}
    assert xorshift(2, 180).to_dict() == {"kind": "poisson", "time_steps": 2, "rate": 180, "noise": "xorshift"}


def test_what_the_network_takes():
    """Spikes that were made beforehand, the pixels of direct coding, or pixels that its hardware encodes."""
    encoders = (Encoder.poisson(4, 0.7), Encoder(kind="direct", time_steps=4), xorshift(4))
    assert [encoder.takes_pixels for encoder in encoders] == [False, True, True]
    assert [encoder.input_max for encoder in encoders] == [1, 255, 1]
    assert [encoder.encoded(PIXELS) is PIXELS for encoder in encoders] == [True, True, False]
    assert np.array_equal(encoders[2].encoded(PIXELS), encoders[2].encode(PIXELS))


def test_scale_is_the_probability_of_a_white_pixel():
    encoder = Encoder.poisson(100, 0.7)
    assert abs(encoder.scale - 0.7) < 255 / 2**17
    spikes = encoder.encode(np.full((20, 100), 255, np.uint8))
    assert abs(spikes.mean() - encoder.scale) < 0.01  # 200,000 draws, ten standard deviations


def test_the_random_stream_is_fixed_for_ever():
    """The expected spikes come from the stream's definition, one word at a time."""
    encoder = Encoder(kind="poisson", time_steps=5, rate=200)
    spikes = encoder.encode(PIXELS, seed=3)
    blocks = -(-5 * 21 // 16)
    for n in range(len(PIXELS)):
        raw = np.random.Philox(counter=n * blocks, key=3).random_raw(4 * blocks)
        words = [int(word) >> 16 * part & 0xFFFF for word in raw for part in range(4)]
        for t in range(5):
            for i in range(21):
                assert spikes[t, n, i] == (words[t * 21 + i] < int(PIXELS[n, i]) * 200)


def naive_xorshift(pixels: list[int], steps: int, rate: int) -> list[list[int]]:
    """Return the spikes of one sample, [t][i], pixel by pixel, as docs/semantics.md defines them."""
    state, states = 88172645463325252, []
    for _ in range(steps * (len(pixels) // 4 + 1)):
        states.append(state)
        state ^= state << 13 & (1 << 64) - 1
        state ^= state >> 7
        state ^= state << 17 & (1 << 64) - 1
    visible = [i for i, pixel in enumerate(pixels) if pixel]
    spikes = [[0] * len(pixels) for _ in range(steps)]
    for t in range(steps):
        for k, i in enumerate(visible):
            word = states[t * (len(visible) // 4 + 1) + k // 4] >> 16 * (k % 4) & 0xFFFF
            spikes[t][i] = int(word < pixels[i] * rate)
    return spikes


@pytest.mark.parametrize("inputs", [1, 3, 4, 5, 8, 21])
@pytest.mark.parametrize("steps", [1, 6])
@pytest.mark.parametrize("rate", [0, 3, 180, 257])
def test_the_noise_of_xorshift(inputs, steps, rate):
    random = np.random.default_rng(inputs)
    pixels = random.integers(0, 256, (9, inputs)) * (random.random((9, inputs)) < random.random((9, 1)))
    pixels[0], pixels[1] = 0, 255
    pixels[2:4] = 0
    pixels[2, -1] = pixels[3, 0] = 200
    spikes = xorshift(steps, rate).encode(pixels.astype(np.uint8))
    assert (spikes.shape, spikes.dtype) == ((steps, 9, inputs), np.uint8)
    for n, sample in enumerate(pixels.tolist()):
        assert spikes[:, n].tolist() == naive_xorshift(sample, steps, rate)


def test_spikes_of_xorshift_depend_on_nothing_but_the_image():
    encoder = xorshift(7)
    whole = encoder.encode(PIXELS)
    assert np.array_equal(encoder.encode(PIXELS[::-1], seed=5, first=3), whole[:, ::-1])
    assert np.array_equal(replace(encoder, time_steps=3).encode(PIXELS), whole[:3])


def test_xorshift_has_the_right_rates_and_no_correlations():
    """Within five standard deviations of independent draws: each rate, neighbours and steps beside each other."""
    steps, inputs = 1000, 400
    spikes = xorshift(steps).encode(np.full((1, inputs), 128, np.uint8))[:, 0].astype(float)
    rate = 128 * 180 / 65536
    centred = (spikes - rate) / np.sqrt(rate * (1 - rate))
    assert abs(centred.sum()) < 5 * np.sqrt(steps * inputs)
    assert (abs(centred.sum(axis=0)) < 5 * np.sqrt(steps)).all()
    assert (abs(centred.sum(axis=1)) < 5 * np.sqrt(inputs)).all()
    for late in range(1, 9):
        assert abs((centred[late:] * centred[:-late]).sum()) < 5 * np.sqrt((steps - late) * inputs)
        assert abs((centred[:, late:] * centred[:, :-late]).sum()) < 5 * np.sqrt(steps * (inputs - late))


def test_a_sample_does_not_depend_on_its_batch():
    encoder = Encoder.poisson(7, 0.7)
    whole = encoder.encode(PIXELS, seed=1)
    for first in range(len(PIXELS)):
        assert np.array_equal(
            encoder.encode(PIXELS[first : first + 1], seed=1, first=first), whole[:, first : first + 1]
        )
    assert not np.array_equal(encoder.encode(PIXELS, seed=2), whole)


def test_black_and_zero_rate_are_silent_and_the_full_rate_nearly_always_spikes():
    black = np.zeros((100, 100), np.uint8)
    assert not Encoder.poisson(50, 1.0).encode(black).any()  # some 8 of the 500,000 random words are zero
    assert not Encoder.poisson(50, 0.0).encode(black + 255).any()
    assert Encoder.poisson(50, 1.0).encode(black + 255).mean() > 0.999


def test_spikes_are_zero_and_one_of_type_uint8():
    spikes = Encoder.poisson(3, 0.7).encode(PIXELS)
    assert (spikes.shape, spikes.dtype, spikes.max()) == ((3, 6, 21), np.uint8, 1)


def test_direct_coding_makes_no_spikes():
    with pytest.raises(DataError, match=r"^encoder: must be poisson to make spikes, not direct$"):
        Encoder(kind="direct", time_steps=4).encode(PIXELS)
