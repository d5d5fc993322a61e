import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn2rtl.rtl import hextext
from snn2rtl.rtl.hextext import from_bits, from_lines, to_bits, to_lines

WORDS = st.integers(1, 62).flatmap(
    lambda width: st.tuples(st.just(width), st.lists(st.integers(-(2 ** (width - 1)), 2 ** (width - 1) - 1)))
)


def test_doctests():
    assert doctest.testmod(hextext).failed == 0


@given(WORDS)
def test_text_is_that_of_a_plain_formatter_and_reads_back(words):
    width, values = words
    bits = to_bits(np.array(values, np.int64), width)
    text = to_lines(bits)
    digits = -(-width // 4)
    assert text.decode() == "".join(f"{value % 2**width:0{digits}x}\n" for value in values)
    assert np.array_equal(from_lines(text, width), bits)
    assert from_bits(bits).tolist() == [value % 2**width for value in values]


@given(st.integers(63, 300), st.integers(0, 2**32 - 1))
def test_words_wider_than_an_integer(width, seed):
    bits = np.random.default_rng(seed).integers(0, 2, (3, width), dtype=np.uint8)
    text = to_lines(bits).decode().splitlines()
    assert [int(line, 16) for line in text] == [int("".join(map(str, row)), 2) for row in bits.tolist()]
    assert np.array_equal(from_lines("".join(f"{line}\n" for line in text).encode(), width), bits)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64, np.uint8])
def test_a_value_narrower_than_its_word_is_extended(dtype):
    value = -1 if np.issubdtype(dtype, np.signedinteger) else 1
    assert from_bits(to_bits(np.array([value], dtype), 40)).tolist() == [value % 2**40]


@pytest.mark.parametrize(
    ("text", "width", "message"),
    [
        (b"0f\n0", 8, "^text of 4 bytes must hold whole lines of 3$"),
        (b"0f\n0x\n", 8, "^word 1 must be hexadecimal, not '0x'$"),
        (b"xx\n", 8, "^word 0 must be hexadecimal, not 'xx'$"),
        (b"0F\n", 8, "^word 0 must be hexadecimal, not '0F'$"),
        (b"0f 0e ", 8, "^word 0 must be hexadecimal, not '0f'$"),
        (b"\xff\xff\n", 8, "^word 0 must be hexadecimal, not"),
    ],
)
def test_texts_that_hold_no_words(text, width, message):
    with pytest.raises(ValueError, match=message):
        from_lines(text, width)


def test_an_empty_text_has_no_words():
    assert from_lines(b"", 8).shape == (0, 8)
    assert to_lines(np.zeros((0, 8), np.uint8)) == b""
