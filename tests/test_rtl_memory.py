import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn2rtl.rtl import memory
from snn2rtl.rtl.memory import Memory


def plain_text(fields: list[list[int]], field_bits: int) -> str:
    lines = []
    for word in fields:
        value = sum((field % 2**field_bits) << (field_bits * index) for index, field in enumerate(word))
        lines.append(f"{value:0{-(-len(word) * field_bits // 4)}x}\n")
    return "".join(lines)


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 7), st.integers(1, 20))
def test_text_is_that_of_a_plain_formatter(seed, depth, fields, field_bits):
    random = np.random.default_rng(seed)
    values = random.integers(-(2 ** (field_bits - 1)), 2 ** (field_bits - 1), (depth, fields))
    text = b"".join(Memory("m", values, field_bits).text())
    assert text.decode() == plain_text(values.tolist(), field_bits)


def test_field_0_is_in_the_lowest_bits():
    assert b"".join(Memory("m", np.array([[1, -2], [3, 4]]), 4).text()) == b"e1\n43\n"


@pytest.mark.parametrize("chunk_bits", [1, 24, 25, 1 << 20])
def test_the_text_does_not_depend_on_its_chunks(chunk_bits, monkeypatch):
    values = np.random.default_rng(0).integers(0, 256, (10, 3))
    monkeypatch.setattr(memory, "_CHUNK_BITS", chunk_bits)
    assert b"".join(Memory("m", values, 8).text()).decode() == plain_text(values.tolist(), 8)


def test_sizes():
    rom = Memory("fc_weight", np.zeros((10, 3), np.int8), 5)
    assert (rom.depth, rom.width, rom.bits, rom.path) == (10, 15, 150, "mem/fc_weight.mem")
