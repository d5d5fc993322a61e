import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn2rtl.fixed_point import signed_range, unsigned_bits
from snn2rtl.rtl.layouts import LAYOUTS, DenseRows, IndexedRows, RaggedRows, cheapest, costs

SEEDS = st.integers(0, 2**32 - 1)


def random_weight(seed: int, slots: int, lanes: int, inputs: int, bits: int, density: float) -> np.ndarray:
    random = np.random.default_rng(seed)
    low, high = signed_range(bits)
    weight = random.integers(low, high + 1, (slots * lanes, inputs))
    return weight * (random.random(weight.shape) < density)


SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 6), st.integers(1, 16))


@pytest.mark.parametrize("kind", LAYOUTS)
@given(SEEDS, SHAPES, st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_the_weights_that_went_in_come_out(kind, seed, shape, density):
    slots, lanes, inputs, bits = shape
    weight = random_weight(seed, slots, lanes, inputs, bits, density)
    layout = LAYOUTS[kind].build("fc", weight, lanes, bits)
    assert np.array_equal(layout.weights(), weight)


@pytest.mark.parametrize("kind", LAYOUTS)
@given(SEEDS, SHAPES, st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_the_cost_is_that_of_what_is_built(kind, seed, shape, density):
    slots, lanes, inputs, bits = shape
    weight = random_weight(seed, slots, lanes, inputs, bits, density)
    cost = costs(weight, lanes, bits)[kind]
    layout = LAYOUTS[kind].build("fc", weight, lanes, bits)
    assert cost.bits == sum(memory.bits for memory in (*layout.weight_memories, *layout.tables))
    width = layout.skip_width if kind == "ragged" else None
    in_lanes = [[entries_of(weight[lane::lanes, i], width) for lane in range(lanes)] for i in range(inputs)]
    expected = {"dense": [[slots]] * inputs, "indexed": [[max(lane)] for lane in in_lanes], "ragged": in_lanes}
    assert cost.words.tolist() == expected[kind]
    assert cost.words_per_row.tolist() == [max(words) for words in expected[kind]]


def entries_of(part: np.ndarray, width: int | None) -> int:
    """Count the entries of a lane's part of a row, one weight after the other."""
    if width in (None, unsigned_bits(len(part) - 1)):
        return int(np.count_nonzero(part))
    found, last = 0, -1
    for slot in np.flatnonzero(part).tolist():
        found += 1 + (slot - last - 1) // 2**width
        last = slot
    return found


@pytest.mark.parametrize("kind", LAYOUTS)
def test_a_layer_that_is_laid_out_in_parts(kind):
    weight = random_weight(0, 100, 6, 1000, 16, 0.3)
    assert np.array_equal(LAYOUTS[kind].build("fc", weight, 6, 16).weights(), weight)


@pytest.mark.parametrize("kind", LAYOUTS)
@pytest.mark.parametrize("value", [0, 1, -1])
def test_one_weight(kind, value):
    layout = LAYOUTS[kind].build("fc", np.array([[value]]), 1, 2)
    assert layout.weights().tolist() == [[value]]
    assert layout.word_addr_width == 1


def test_dense_rows_to_the_word():
    weight = np.array([[1, 2], [3, 4], [5, 6], [7, 0]])
    layout = DenseRows.build("fc", weight, lanes=2, weight_bits=4)
    # slot 0: inputs 0 and 1, lanes 0 and 1; then slot 1
    assert layout.words.fields.tolist() == [[1, 3], [2, 4], [5, 7], [6, 0]]
    assert (layout.words.name, layout.words.field_bits, layout.word_width) == ("fc_weight", 4, 8)


def test_indexed_rows_to_the_word():
    weight = np.array([[1, 0, 0], [0, 0, -2], [3, 0, 0], [0, 0, 4]])  # neuron = slot * 2 + lane
    layout = IndexedRows.build("fc", weight, lanes=2, weight_bits=4)
    entry = {(slot, value): slot << 4 | value % 16 for slot in (0, 1) for value in (0, 1, 3, -2, 4)}
    assert layout.words.fields.tolist() == [
        [entry[0, 1], entry[0, 0]],
        [entry[1, 3], entry[0, 0]],
        [entry[0, 0], entry[0, -2]],
        [entry[0, 0], entry[1, 4]],
    ]
    # first word and number of words of each input
    assert layout.row_table.fields.ravel().tolist() == [0 << 2 | 2, 0, 2 << 2 | 2]
    assert (layout.count_width, layout.word_addr_width, layout.slot_width) == (2, 2, 1)


def test_ragged_rows_to_the_word():
    weight = np.array([[1, 5, 0], [0, 0, -2], [3, 0, 0], [0, 0, 4]])  # neuron = slot * 2 + lane
    layout = RaggedRows.build("fc", weight, lanes=2, weight_bits=4)
    assert [memory.name for memory in layout.weight_memories] == ["fc_weight_0", "fc_weight_1"]
    lists = [[1, 1 << 4 | 3, 5], [0 << 4 | 14, 1 << 4 | 4, 0]]
    assert [memory.fields.ravel().tolist() for memory in layout.lists] == lists
    assert (layout.word_addr_width, layout.offset_width, layout.count_width) == (2, 2, 2)
    # {base, {offset, count of the odd row, of the even row} of lane 1, the same of lane 0}
    rows = ["00 000000 000110", "00 000010 000000"]
    assert ["".join(map(str, row)) for row in layout.row_table.fields[:, ::-1]] == [
        row.replace(" ", "") for row in rows
    ]


def test_ragged_skips_to_the_word():
    """Slots 1, 2 and 7 of one lane: skips of a bit, two fillers before the last."""
    weight = np.ones((8, 30), np.int64)
    weight[:, 0] = [0, 3, -1, 0, 0, 0, 0, 2]
    layout = RaggedRows.build("fc", weight, lanes=1, weight_bits=4)
    assert (layout.skip_width, layout.slots) == (1, 8)
    first, filler = layout.lists[0].fields.ravel().tolist()[:5], 1 << 4
    assert first == [1 << 4 | 3, 0 << 4 | 15, filler, filler, 0 << 4 | 2]
    assert np.array_equal(layout.weights(), weight)


@pytest.mark.parametrize(("density", "width"), [(0.95, 1), (0.8, 2), (0.5, 3), (0.2, 4), (0.1, 5)])
def test_skips_are_as_wide_as_gaps(density, width):
    """Fewer bits where weights lie close; those of a slot, and no filler, where they do not."""
    weight = random_weight(2, 25, 16, 400, 4, density)
    layout = RaggedRows.build("fc", weight, 16, 4)
    assert layout.skip_width == width
    assert np.array_equal(layout.weights(), weight)


def test_ragged_lists_are_nearly_full():
    """Offsets of a few bits cost hardly any empty words, though lanes have unequal parts in every row."""
    weight = random_weight(1, 25, 16, 400, 8, 0.1)
    layout = RaggedRows.build("fc", weight, 16, 8)
    fullest = max(np.count_nonzero(weight[lane::16]) for lane in range(16))
    assert layout.lists[0].depth <= 1.05 * fullest
    assert layout.offset_width <= 5


@given(SEEDS, SHAPES)
def test_every_field_fits_its_width(seed, shape):
    slots, lanes, inputs, bits = shape
    weight = random_weight(seed, slots, lanes, inputs, bits, 0.5)
    layout = IndexedRows.build("fc", weight, lanes, bits)
    for memory in (*layout.weight_memories, *layout.tables):
        assert memory.fields.min() >= 0
        assert unsigned_bits(int(memory.fields.max())) <= memory.field_bits
    assert layout.word_addr_width == unsigned_bits(layout.words.depth - 1)


def test_the_cheapest_layout_is_chosen():
    full = random_weight(0, 4, 4, 64, 8, 1.0)
    sparse = random_weight(0, 4, 4, 64, 8, 0.02)
    assert cheapest(costs(full, 4, 8)) == "dense"
    assert cheapest(costs(sparse, 4, 8)) == "indexed"
    # many weights, for which it pays that lanes do not wait for each other
    assert cheapest(costs(random_weight(0, 25, 16, 400, 8, 0.1), 16, 8)) == "ragged"
