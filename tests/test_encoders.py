import re

import numpy as np
import pytest

from snn2rtl.encoders import Encoder
from snn2rtl.errors import DataError, OptionError

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 21), dtype=np.uint8)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "rate"}, "encoder: kind must be poisson or direct, not 'rate'"),
        ({"time_steps": 0}, "encoder: time_steps must be a positive integer, not 0"),
        ({"time_steps": 1.5}, "encoder: time_steps must be a positive integer, not 1.5"),
        ({"rate": -1}, "encoder: rate must be an integer of 0..257, not -1"),
        ({"rate": 258}, "encoder: rate must be an integer of 0..257, not 258"),
    ],
)
def test_invalid_encoders_cannot_be_built(values, message):
    with pytest.raises(OptionError, match=rf"^{re.escape(message)}$"):
        Encoder(**{"kind": "poisson", "time_steps": 1, "rate": 1, **values})


def test_dictionary_round_trip():
    for encoder in (Encoder.poisson(100, 0.7), Encoder(kind="direct", time_steps=4)):
        assert Encoder.from_dict(encoder.to_dict()) == encoder


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
