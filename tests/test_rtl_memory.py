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


@pytest.mark.parametrize(
    ("depth", "width", "bank_depth", "banks"),
    [
        (5, 9, 8, 1),
        (513, 36, 1024, 1),  # two of 1024x18, as many as two banks of 512x36
        (2000, 13, 2048, 1),  # two of 2048x9
        (20000, 128, 2048, 10),  # 15 of 2048x9 each; all other depths take ten more
        (16384, 1, 16384, 1),
    ],
)
def test_banks_take_the_fewest_block_memories(depth, width, bank_depth, banks):
    rom = Memory("rom", np.zeros((depth, width), np.int8), 1)
    assert (rom.bank_depth, len(rom.banks)) == (bank_depth, banks)


def test_banks_hold_the_words_in_order():
    rom = Memory("rom", np.arange(5000)[:, None] & 255, 8)
    banks = rom.banks
    assert [bank.name for bank in banks] == [f"rom_{index}" for index in range(len(banks))]
    assert {bank.depth for bank in banks[:-1]} <= {rom.bank_depth}
    assert np.array_equal(np.concatenate([bank.fields for bank in banks]), rom.fields)


def test_sizes():
    rom = Memory("fc_weight", np.zeros((10, 3), np.int8), 5)
    assert (rom.depth, rom.width, rom.bits, rom.path) == (10, 15, 150, "mem/fc_weight.mem")
