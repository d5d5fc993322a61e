"""Mutations of the Verilog: small faults, each with the benches that must notice it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rtl_tests.lib.emitted import STEPS


@dataclass(frozen=True)
class Mutation:
    """A change of one place of one file (a pattern, for generated ones), and what shows it.

    case: a network whose replay fails, '' where the module's bench alone can show it. steps: time steps of its samples.
    alone: a parameter set with which the module's own bench fails too; None for a module without one.
    """

    what: str
    file: str
    old: str
    new: str
    case: str
    alone: str | None = None
    steps: int = STEPS


def faults(file: str, *rows: tuple[Any, ...]) -> list[Mutation]:
    """Return the mutations of a file from rows of what, old, new, case, and alone and steps where there are such."""
    return [Mutation(what, file, *rest) for what, *rest in rows]


NEURON = faults(
    "snn_lif.v",
    ("fires above the threshold only", "membrane >= fire_at_i", "membrane > fire_at_i", "shift-1-hard", "shift-1-soft"),
    ("hard reset forgotten", "spike_o ? {MembraneWidth{1'b0}} : membrane_q", "membrane_q", "shift-1-hard", "no-leak"),
    ("soft reset to zero", "membrane_q - reset_by_q :", "{MembraneWidth{1'b0}} :", "shift-1-soft", "shift-1-soft"),
    (
        "soft reset by too much",
        "reset_by_q <= reset_by_i",
        "reset_by_q <= reset_by_i + 1",
        "shift-1-soft",
        "shift-1-soft",
    ),
    ("clear forgotten", "clear_q3 ? {MembraneWidth{1'b0}} : leaked", "leaked", "no-leak-hard", "no-leak"),
    ("bias forgotten", "leaked_q} + bias_i", "leaked_q}", "numbers-of-each-neuron-hard", "no-leak"),
    ("leak of the neuron before", "leak_q2  <= leak_q;", "leak_q2  <= leak_i;", "shifts", "shifts"),
)
SINGLE = faults(
    "snn_single_lif.v",
    ("single neuron fires above only", "membrane >= fire_at_i", "membrane > fire_at_i", "single-hard", "no-leak-soft"),
    (
        "single hard reset forgotten",
        "(ResetKind == 0)) ? {MembraneWidth{1'b0}} :",
        "0) ? 0 :",
        "single-hard",
        "multipliers",
    ),
    ("single soft reset to zero", "membrane - reset_by_i", "0", "single-soft", "shift-1-soft"),
    ("single clear forgotten", "clear_q ? {MembraneWidth{1'b0}} :", "1'b0 ? 0 :", "single-hard", "no-leak-soft"),
    ("single bias forgotten", "bias_q ? bias_i :", "bias_q ? 0 :", "single-soft", "no-leak-soft"),
    ("single weight not shifted", "<<< WeightShift", "<<< 0", "single-hard", "multipliers"),
    ("single weight added late", "else if (add_i | bias_q)", "else if (bias_q)", "single-soft", "no-leak-soft"),
)
LEAK = [
    *faults(
        "snn_leak.v",
        ("leak shifts zeros in", "value_i >>> Shift", "value_i >> Shift", "shift-1-hard"),
        ("leak rounds up", "(value_i >>> Shift)", "(-(-value_i >>> Shift))", "shift-1-hard"),
        ("leaks shift zeros in", "value_i >>> number_i", "value_i >> number_i", "shifts"),
        ("factor unsigned", "= value_i * factor", "= $unsigned(value_i) * factor", "multiplier-3-4-hard"),
        ("product off by a bit", "product[Shift+:", "product[Shift-1+:", "multipliers"),
    ),
    *faults(
        "snn_saturate.v",
        ("clamp wraps", "assign value_o = fits ?", "assign value_o = 1 ?", "saturating-5-bits-hard"),
        ("clamp goes to the other end", "Least : Greatest", "Greatest : Least", "saturating-5-bits-hard"),
    ),
]
LANE = faults(
    "snn_lane.v",
    ("no forward at distance 1", "hit_sum_q ? sum_q : hit_write_q", "hit_write_q", "4-lanes-indexed", "forward"),
    ("no forward at distance 2", "hit_write_q ? write_state_q : read_q", "read_q", "4-lanes-indexed", "forward"),
    (
        "no forward of an update",
        "hit_update_q ? update_state_i : hit_sum_q",
        "hit_sum_q",
        "4-lanes-indexed",
        "forward",
    ),
    (
        "weights unsigned",
        "{{(StateWidth - WeightWidth){weight_q[WeightWidth-1]}}, weight_q}",
        "{{(StateWidth - WeightWidth){1'b0}}, weight_q}",
        "shift-1-hard",
        "forward",
    ),
    ("weights not shifted", "<<< WeightShift", "<<< 0", "weights-shifted-by-7", "shifted"),
)
DENSE_ROWS = faults(
    "snn_dense_rows.v",
    ("dense row one slot short", "NumSlots - 1", "NumSlots - 2", "1-lanes-dense", "even"),
    ("dense row of the wrong stride", "word_q + Stride", "word_q + 1", "1-lanes-dense", "even"),
    ("dense row without the neuron update's wait", "~waiting_q & (~active_q", "(~active_q", "1-lanes-dense", "even"),
)
INDEXED_ROWS = faults(
    "snn_indexed_rows.v",
    ("indexed row stays", "row_first : word_q +", "row_first : word_q + 0 *", "1-lanes-indexed", "half"),
    ("indexed rows overflow", "= ~claimed_q[2]", "= 1'b1", "1-lanes-indexed", "half"),
    ("indexed rows without the neuron update's wait", " & ~waiting_q &", " &", "1-lanes-indexed", "half"),
)
RAGGED_ROWS = faults(
    "snn_ragged_rows.v",
    (
        "ragged parts without their offsets",
        "{{(SumWidth - OffsetWidth){1'b0}}, offset}",
        "0",
        "3-lanes-ragged",
        "half",
    ),
    ("odd rows begin with the even ones", "even & {CountWidth{odd_q2}}", "even & 0", "3-lanes-ragged", "half"),
    ("odd rows as long as the even ones", "odd_q2 ? odd : even", "even", "3-lanes-ragged", "half"),
    ("empty ragged parts end steps", "(end_q2 | (count != {CountWidth{1'b0}}))", "1'b1", "3-lanes-ragged", "sparse"),
    ("ragged queues overflow", "(&room_i)", "1'b1", "1-lanes-ragged", "sparse"),
    ("a step ends with the first lane", "(&ended_i)", "(|ended_i)", "3-lanes-ragged", "half"),
    ("sample end lost", "sample_end_q2} : start", "1'b0} : start", "no-leak-ragged", "half"),
)
RAGGED_LANE = faults(
    "snn_ragged_lane.v",
    ("ragged lane without the neuron update's wait", " & ~waiting_q &", " &", "3-lanes-ragged", "deep"),
    ("ragged lane stays", "word_q <= word_q +", "word_q <= word_q + 0 *", "3-lanes-ragged", "deep"),
    ("room for one part too many", "level_q < 5'd12", "level_q < 5'd13", "1-lanes-ragged", "deep"),
    ("first word a cycle late", "FirstDelay-1:0], pop", "FirstDelay-1:0], first_delay_q[0]", "1-lanes-ragged", "deep"),
)
RAGGED_SLOT = faults(
    "snn_ragged_slot.v",
    ("slots go on from the part before", "first_i ? {SlotWidth{1'b0}} :", "", "1-lanes-ragged", "skips"),
    (
        "skip from the entry before itself",
        "slot_o + {{(SlotWidth - 1){1'b0}}, 1'b1}",
        "slot_o",
        "1-lanes-ragged",
        "skips",
    ),
    ("skips are slots", "next_q + {{", "{{", "1-lanes-ragged", "skips"),
)
SWEEP = faults(
    "snn_neuron_update.v",
    ("neuron update one slot short", "NumSlots - 1", "NumSlots - 2", "1-lanes-dense"),
    ("sample never ends", "clear_q <= step_sample_end_i", "clear_q <= 1'b0", "no-leak-hard"),
    ("neuron update after the reset speaks", "mute_q    <= 1'b1", "mute_q    <= 1'b0", "1-lanes-dense"),
    (
        "bias of the slot before",
        "(UpdateDelay-3)*SlotWidth",
        "(UpdateDelay-2)*SlotWidth",
        "numbers-of-each-neuron-hard",
    ),
    ("done too early", "NumSlots + 2 + ExtraStages", "NumSlots + 1 + ExtraStages", "3-lanes-dense"),
)
QUEUE = faults(
    "snn_spike_queue.v",
    ("queue overflows", "= level <= LevelWithRoom", "= 1'b1", "slow-second-layer", "odd"),
    ("event lost under stall", "event_valid_o & event_ready_i", "event_valid_o", "output-spikes", "odd"),
    ("lane missing in the address", "(group_q | lane)", "group_q", "3-lanes-dense", "odd"),
    ("slot missing in the address", "base_q + (", "(", "3-lanes-dense", "odd"),
    ("group missing in the address", "(group_q | lane)", "lane", "wide", "many-lanes"),
    ("silent end of a step dropped", "(spike_last_i | (spike_i", "((spike_i", "3-lanes-dense", "odd"),
)
SPIKE_SPLIT = faults(
    "snn_spike_split.v",
    ("last group lost", "group_valid_o = busy_q", "group_valid_o = busy_q & ~last", "wide"),
)
QUEUE = faults(
    "snn_queue.v",
    ("word lost when it is not taken", "ready_i | ~fetched_q", "1'b1", "output-spikes", "odd"),
    ("words on the way forgotten", "+ {{DepthWidth{1'b0}}, push_i} -", "-", "output-spikes", "odd"),
)
LOWEST = faults(
    "snn_lowest.v", ("two events at once", "bits_above = bits << 1", "bits_above = bits << 2", "3-lanes-dense", "odd")
)
LAYER = faults(
    "*_fc1.v",
    ("places without a neuron fire", "spike_last ? LastSlotLanes", "0 ? LastSlotLanes", "numbers-of-each-neuron-hard"),
)
STREAM = faults(
    "snn_stream_register.v",
    ("spare overwritten", "if (ready_o) spare_q", "spare_q", "output-spikes", "twelve-bits"),
    ("beat lost when the stall begins", "(spare_valid_q | valid_i)", "spare_valid_q", "output-spikes", "twelve-bits"),
    ("beat lost under stall", "ready_i | ~valid_q", "1'b1", "output-spikes", "twelve-bits"),
)
DIRECT_ROWS = [
    *faults(
        "snn_dense_rows.v",
        (
            "dense tag of the next row",
            "tag_delay_q[(EarlyDelay-1)*TagWidth-1:0], tag_q}",
            "tag_delay_q[(EarlyDelay-1)*TagWidth-1:0], event_tag_i}",
            "direct-2-lanes-dense",
            "odd",
        ),
    ),
    *faults(
        "snn_indexed_rows.v",
        (
            "indexed tag a cycle early",
            "{tag_q2, sample_end_q2",
            "{tag_q, sample_end_q2",
            "direct-2-lanes-indexed",
            "half",
        ),
    ),
    *faults(
        "snn_ragged_rows.v",
        (
            "ragged tag a cycle early",
            "tag_o         <= tag_q2",
            "tag_o         <= tag_q",
            "direct-2-lanes-ragged",
            "half",
        ),
    ),
    *faults(
        "snn_ragged_lane.v",
        ("tag of the next part", "if (pop) tag_q <=", "tag_q <=", "direct-2-lanes-ragged", "deep"),
    ),
]
DIRECT_SWEEP = faults(
    "snn_neuron_update.v",
    ("a step too few", "NumSteps - 1", "NumSteps - 2", "direct-2-lanes-dense"),
    (
        "a neuron update before its states are written",
        "6 + ExtraStages - NumSlots",
        "4 + ExtraStages - NumSlots",
        "direct-64-lanes-dense",
    ),
    ("steps after the silent neuron update", "mute_q ? {LeftWidth{1'b0}} : Left", "Left", "direct-many-steps"),
    ("every step ends the sample", "~again};", "1'b1};", "direct-2-lanes-dense"),
    (
        "rows go on in every neuron update",
        "running_q & first_o & (slot_q ==",
        "running_q & (slot_q ==",
        "direct-1-lanes-ragged",
    ),
)
DIRECT = [
    *faults(
        "snn_group_queue.v",
        ("beats lost when the queue is full", "level < Full", "1'b1", "direct-shifted", "whole-beats"),
        ("one beat too many", "= 16 - NumLate", "= 17 - NumLate", "direct-shifted", "one-pixel"),
        (
            "sample without a pixel lost",
            "(group_end_i | (|group_events_i))",
            "(|group_events_i)",
            "direct-2-lanes-dense",
            "odd",
        ),
        (
            "pixel lost under stall",
            "end else if (event_valid_o & event_ready_i) begin",
            "end else if (event_valid_o) begin",
            "direct-64-lanes-dense",
            "odd",
        ),
    ),
    *faults(
        "snn_pixel_ingress.v",
        ("address of the beat alone", "event_base + index", "event_base", "direct-2-lanes-dense", "odd"),
    ),
    *faults(
        "snn_pixel_product.v",
        ("pixel signed", "{1'b0, pixel_i}", "{pixel_i[PixelWidth-1], pixel_i}", "direct-2-lanes-dense", "four-bits"),
    ),
    *faults(
        "snn_held_current.v",
        (
            "state of the sample before",
            "charged_o = first_q ?",
            "charged_o = 1'b0 ?",
            "direct-2-lanes-dense",
            "many-slots",
        ),
        ("current not held", "if (first_q) currents", "if (1'b0) currents", "direct-2-lanes-dense", "many-slots"),
        ("current of another slot", "currents[late_slot_i]", "currents[slot_i]", "direct-2-lanes-dense", "many-slots"),
    ),
    *faults(
        "*_fc1.v",
        ("sums never cleared", ".update_i(taken_q)", ".update_i(1'b0)", "direct-2-lanes-dense"),
        (
            "sums cleared in every neuron update",
            "rst_ni & early_fire & early_first",
            "rst_ni & early_fire",
            "direct-1-lanes-ragged",
        ),
        (
            "later neuron updates disturb the lanes",
            "(early_fire & early_first) ?",
            "early_fire ?",
            "direct-1-lanes-ragged",
        ),
        (
            "queue of spikes overflows between neuron updates",
            ".NumLate(5)",
            ".NumLate(0)",
            "slow-second-layer-of-pixels",
        ),
    ),
]
INGRESS = faults(
    "snn_ingress.v",
    ("input lost under stall", ".ready_i(event_ready_i)", ".ready_i(1'b1)", "shift-1-hard", "five-inputs"),
    ("tlast ignored", "{step_end & beat_last_i,", "{1'b0,", "shift-1-hard", "five-inputs"),
)
READOUT = faults(
    "snn_count_readout.v",
    ("tie to the highest", "addr_q < best_q", "addr_q > best_q", "output-class", "ten-classes"),
    ("counts wrap", "(count_q == Full) ? Full", "0 ? Full", "output-counts", "powers-of-two"),
    ("counts never cleared", "!rst_ni | finish_q", "!rst_ni", "output-counts", "ten-classes"),
    (
        "result overwritten under stall",
        "event_ready_o = ~event_sample_end_i |",
        "event_ready_o = 1'b1 |",
        "single",
        "ten-classes",
        1,
    ),
)
MUTATIONS = [
    *NEURON,
    *SINGLE,
    *LEAK,
    *LANE,
    *DENSE_ROWS,
    *INDEXED_ROWS,
    *RAGGED_ROWS,
    *RAGGED_LANE,
    *RAGGED_SLOT,
    *SWEEP,
    *QUEUE,
    *SPIKE_SPLIT,
    *QUEUE,
    *LOWEST,
    *LAYER,
    *STREAM,
    *DIRECT_ROWS,
    *DIRECT_SWEEP,
    *DIRECT,
    *INGRESS,
    *READOUT,
]

# What a sender and a reset may do and the replay bench never does: the cocotb bench shows these
PROTOCOL_MUTATIONS = [
    *faults(
        "snn_ingress.v",
        ("unknown address taken", "beat_valid_i & known", "beat_valid_i", "shift-1-hard", "five-inputs"),
    ),
    *faults(
        "snn_count_readout.v",
        ("reset leaves the readout", "if (!rst_ni | finish_q)", "if (finish_q)", "output-counts", "ten-classes"),
    ),
    *faults(
        "snn_pixel_ingress.v",
        ("unknown pixel taken", "(~at_last | LastPixels[pixel]) &", "1'b1 &", "direct-2-lanes-dense", "part-of-a-beat"),
        ("beats behind the last input taken", "~past_q &", "1'b1 &", "direct-2-lanes-dense", "part-of-a-beat"),
        (
            "place in a sample kept over a reset",
            "if (!rst_ni | (accept & step_end))",
            "if (accept & step_end)",
            "direct-2-lanes-dense",
            "whole-beats",
        ),
    ),
    *faults(
        "snn_neuron_update.v",
        ("reset leaves the state", "pending_q <= 1'b1;\n      running_q", "running_q", "no-leak-hard"),
    ),
]
