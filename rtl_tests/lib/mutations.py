"""Mutations of the Verilog: small faults, each with the benches that must notice it."""

from __future__ import annotations

from dataclasses import dataclass

from rtl_tests.lib.emitted import STEPS


@dataclass(frozen=True)
class Mutation:
    """A change of one place of one file (a pattern, for generated ones), and what shows it.

    case: a network whose replay fails. steps: time steps of its samples. alone: a parameter set with which the module's
    own bench fails too; None for a module without one.
    """

    what: str
    file: str
    old: str
    new: str
    case: str
    alone: str | None = None
    steps: int = STEPS


SIGN = "{{(StateWidth - WeightWidth){weight_q[WeightWidth-1]}}, weight_q}"
MUTATIONS = [
    # Neuron
    Mutation(
        "fires above the threshold only",
        "snn_lif.v",
        "membrane >= fire_at_i",
        "membrane > fire_at_i",
        "shift-1-hard",
        "shift-1-soft",
    ),
    Mutation(
        "leak shifts zeros in",
        "snn_lif.v",
        "reset_q >>> LeakShift",
        "reset_q >> LeakShift",
        "shift-1-hard",
        "shift-1-soft",
    ),
    Mutation(
        "leak rounds up",
        "snn_lif.v",
        "(reset_q >>> LeakShift)",
        "(-(-reset_q >>> LeakShift))",
        "shift-1-hard",
        "shift-3-equal-widths",
    ),
    Mutation(
        "clamp wraps",
        "snn_lif.v",
        "assign membrane = fits ?",
        "assign membrane = 1 ?",
        "saturating-5-bits-hard",
        "no-leak",
    ),
    Mutation(
        "clamp goes to the other end",
        "snn_lif.v",
        "Least : Greatest",
        "Greatest : Least",
        "saturating-5-bits-hard",
        "no-leak",
    ),
    Mutation(
        "hard reset forgotten",
        "snn_lif.v",
        "spike_o ? {MembraneWidth{1'b0}} : membrane_q",
        "membrane_q",
        "shift-1-hard",
        "no-leak",
    ),
    Mutation(
        "soft reset to zero",
        "snn_lif.v",
        "membrane_q - reset_by_q :",
        "{MembraneWidth{1'b0}} :",
        "shift-1-soft",
        "shift-1-soft",
    ),
    Mutation(
        "soft reset by too much",
        "snn_lif.v",
        "reset_by_q <= reset_by_i",
        "reset_by_q <= reset_by_i + 1",
        "shift-1-soft",
        "shift-1-soft",
    ),
    Mutation(
        "clear forgotten", "snn_lif.v", "clear_q3 ? {MembraneWidth{1'b0}} : leaked", "leaked", "no-leak-hard", "no-leak"
    ),
    Mutation(
        "bias forgotten", "snn_lif.v", "leaked_q} + bias_q3", "leaked_q}", "numbers-of-each-neuron-hard", "no-leak"
    ),
    Mutation(
        "bias a slot late",
        "snn_lif.v",
        "bias_q2    <= bias_q;",
        "bias_q2    <= bias_i;",
        "numbers-of-each-neuron-hard",
        "no-leak",
    ),
    Mutation(
        "factor unsigned",
        "snn_lif.v",
        "= reset_q * Factor",
        "= $unsigned(reset_q) * Factor",
        "multiplier-3-4-hard",
        "multiplier-7-8",
    ),
    Mutation(
        "product off by a bit",
        "snn_lif.v",
        "product[LeakShift+:",
        "product[LeakShift-1+:",
        "multiplier-3-4-hard",
        "multiplier-7-8",
    ),
    # Lane
    Mutation(
        "no forward at distance 1",
        "snn_lane.v",
        "hit_sum_q ? sum_q : hit_write_q",
        "hit_write_q",
        "64-lanes-indexed",
        "forward",
    ),
    Mutation(
        "no forward at distance 2",
        "snn_lane.v",
        "hit_write_q ? write_state_q : read_q",
        "read_q",
        "64-lanes-indexed",
        "forward",
    ),
    Mutation(
        "no forward of an update",
        "snn_lane.v",
        "hit_update_q ? update_state_i : hit_sum_q",
        "hit_sum_q",
        "64-lanes-indexed",
        "forward",
    ),
    Mutation(
        "weights unsigned",
        "snn_lane.v",
        SIGN,
        "{{(StateWidth - WeightWidth){1'b0}}, weight_q}",
        "shift-1-hard",
        "forward",
    ),
    Mutation("weights not shifted", "snn_lane.v", "<<< WeightShift", "<<< 0", "weights-shifted-by-7", "shifted"),
    # Rows
    Mutation("dense row one slot short", "snn_dense_rows.v", "NumSlots - 1", "NumSlots - 2", "1-lanes-dense", "even"),
    Mutation(
        "dense row of the wrong stride", "snn_dense_rows.v", "word_q + Stride", "word_q + 1", "1-lanes-dense", "even"
    ),
    Mutation(
        "dense row without the sweep's wait",
        "snn_dense_rows.v",
        "~waiting_q & (~active_q",
        "(~active_q",
        "1-lanes-dense",
        "even",
    ),
    Mutation(
        "indexed row stays",
        "snn_indexed_rows.v",
        "row_first : word_q +",
        "row_first : word_q + 0 *",
        "1-lanes-indexed",
        "half",
    ),
    Mutation("indexed rows overflow", "snn_indexed_rows.v", "= ~claimed_q[2]", "= 1'b1", "1-lanes-indexed", "half"),
    Mutation(
        "indexed rows without the sweep's wait",
        "snn_indexed_rows.v",
        " & ~waiting_q &",
        " &",
        "1-lanes-indexed",
        "half",
    ),
    Mutation(
        "ragged parts without their offsets",
        "snn_ragged_rows.v",
        "start = base + {{(WordWidth - OffsetWidth){1'b0}}, offset}",
        "start = base",
        "3-lanes-ragged",
        "half",
    ),
    Mutation(
        "empty ragged parts end steps",
        "snn_ragged_rows.v",
        "(end_q2 | (count != {CountWidth{1'b0}}))",
        "1'b1",
        "3-lanes-ragged",
        "sparse",
    ),
    Mutation("ragged queues overflow", "snn_ragged_rows.v", "(&room_i)", "1'b1", "1-lanes-ragged", "sparse"),
    Mutation(
        "a step ends with the first lane", "snn_ragged_rows.v", "(&ended_i)", "(|ended_i)", "3-lanes-ragged", "half"
    ),
    Mutation(
        "sample end lost", "snn_ragged_rows.v", "sample_end_q2} : start", "1'b0} : start", "no-leak-ragged", "half"
    ),
    Mutation(
        "ragged lane without the sweep's wait", "snn_ragged_lane.v", " & ~waiting_q &", " &", "3-lanes-ragged", "deep"
    ),
    Mutation(
        "ragged lane stays",
        "snn_ragged_lane.v",
        "word_q <= word_q +",
        "word_q <= word_q + 0 *",
        "3-lanes-ragged",
        "deep",
    ),
    Mutation(
        "room for one part too many",
        "snn_ragged_lane.v",
        "level_q < 5'd12",
        "level_q < 5'd13",
        "1-lanes-ragged",
        "deep",
    ),
    # Sweep
    Mutation("sweep one slot short", "snn_sweep.v", "NumSlots - 1", "NumSlots - 2", "1-lanes-dense"),
    Mutation("sample never ends", "snn_sweep.v", "clear_q <= step_sample_end_i", "clear_q <= 1'b0", "no-leak-hard"),
    Mutation("sweep after the reset speaks", "snn_sweep.v", "mute_q    <= 1'b1", "mute_q    <= 1'b0", "1-lanes-dense"),
    Mutation("done too early", "snn_sweep.v", "NumSlots + 2 - WordDelay", "NumSlots + 1 - WordDelay", "64-lanes-dense"),
    # Queue
    Mutation(
        "queue overflows", "snn_spike_queue.v", "= level_q <= LevelWithRoom", "= 1'b1", "slow-second-layer", "odd"
    ),
    Mutation(
        "event lost under stall",
        "snn_spike_queue.v",
        "event_valid_o & event_ready_i",
        "event_valid_o",
        "output-spikes",
        "odd",
    ),
    Mutation("lane missing in the address", "snn_spike_queue.v", "base_q + lane", "base_q", "3-lanes-dense", "odd"),
    Mutation("slot missing in the address", "snn_spike_queue.v", "base_q + lane", "lane", "3-lanes-dense", "odd"),
    Mutation(
        "group missing in the address",
        "snn_spike_queue.v",
        "slot * Lanes + group",
        "slot * Lanes",
        "wide",
        "many-lanes",
    ),
    Mutation(
        "last group lost", "snn_spike_split.v", "group_valid_o = busy_q", "group_valid_o = busy_q & ~last", "wide"
    ),
    Mutation(
        "silent end of a step dropped",
        "snn_spike_queue.v",
        "(spike_last_i | (spike_i",
        "((spike_i",
        "3-lanes-dense",
        "odd",
    ),
    Mutation(
        "places without a neuron fire",
        "*_fc1.v",
        "spike_last ? LastSlotLanes",
        "0 ? LastSlotLanes",
        "numbers-of-each-neuron-hard",
    ),
    # Streams
    Mutation(
        "spare overwritten", "snn_stream_register.v", "if (ready_o) spare_q", "spare_q", "output-spikes", "twelve-bits"
    ),
    Mutation(
        "beat lost when the stall begins",
        "snn_stream_register.v",
        "(spare_valid_q | valid_i)",
        "spare_valid_q",
        "output-spikes",
        "twelve-bits",
    ),
    Mutation(
        "beat lost under stall", "snn_stream_register.v", "ready_i | ~valid_q", "1'b1", "output-spikes", "twelve-bits"
    ),
    Mutation(
        "input lost under stall",
        "snn_ingress.v",
        ".ready_i(event_ready_i)",
        ".ready_i(1'b1)",
        "shift-1-hard",
        "five-inputs",
    ),
    Mutation("tlast ignored", "snn_ingress.v", "{step_end & beat_last_i,", "{1'b0,", "shift-1-hard", "five-inputs"),
    # Readout
    Mutation(
        "tie to the highest",
        "snn_count_readout.v",
        "addr_q < best_q",
        "addr_q > best_q",
        "output-class",
        "ten-classes",
    ),
    Mutation(
        "counts wrap", "snn_count_readout.v", "(count_q == Full) ? Full", "0 ? Full", "output-counts", "powers-of-two"
    ),
    Mutation(
        "counts never cleared", "snn_count_readout.v", "!rst_ni | finish_q", "!rst_ni", "output-counts", "ten-classes"
    ),
    Mutation(
        "result overwritten under stall",
        "snn_count_readout.v",
        "event_ready_o = ~event_sample_end_i |",
        "event_ready_o = 1'b1 |",
        "single",
        "ten-classes",
        1,
    ),
]

# What a sender and a reset may do and the replay bench never does: the cocotb bench shows these
PROTOCOL_MUTATIONS = [
    Mutation(
        "unknown address taken", "snn_ingress.v", "beat_valid_i & known", "beat_valid_i", "shift-1-hard", "five-inputs"
    ),
    Mutation(
        "reset leaves the readout",
        "snn_count_readout.v",
        "if (!rst_ni | finish_q)",
        "if (finish_q)",
        "output-counts",
        "ten-classes",
    ),
    Mutation(
        "reset leaves the state", "snn_sweep.v", "pending_q <= 1'b1;\n      running_q", "running_q", "no-leak-hard"
    ),
]
