"""Mutations of what takes the greatest of pooled currents."""

from __future__ import annotations

from rtl_tests.lib.mutations import faults

OVERLAPPING, PADDED = "pooled-overlapping-3-lanes-indexed", "pooled-padded-1-lanes-dense"
POOLED_MUTATIONS = [
    *faults(
        "snn_max_current.v",
        ("the least sum", "sum_q > greatest_q", "sum_q < greatest_q", OVERLAPPING, "wider-state"),
        ("sums compared unsigned", "(sum_q >", "($unsigned(sum_q) >", PADDED, "wider-state"),
        ("greatest of all neurons", "(first_i | (", "((", OVERLAPPING, "same-width"),
        ("the last sum", "(first_i | (", "(1'b1 | (", OVERLAPPING, "same-width"),
        ("current without its membrane", "state_i + {{", "{{", OVERLAPPING, "wider-state"),
    ),
    *faults(
        "snn_tap_slots.v",
        ("a sum too few", "NumTaps - 1;", "NumTaps - 2;", OVERLAPPING, "nine"),
        ("neurons beyond the last", "(slot_q == LastSlot) ?", "1'b0 ?", OVERLAPPING, "four"),
        ("a first sum without a slot", "first_o = valid_i &", "first_o =", "", "four"),
        ("a last sum without a slot", "last_o = valid_i &", "last_o =", "", "three-of-eight"),
        ("a neuron that outlives a reset", "if (!rst_ni) begin", "if (1'b0) begin", "", "four"),
    ),
    *faults(
        "pools_pooled.v",
        ("sums that never begin anew", ".update_i(taken_q)", ".update_i(1'b0)", OVERLAPPING),
        (
            "sums that begin without biases",
            ".update_state_i(bias[lane*CurrentWidth+:CurrentWidth])",
            ".update_state_i({CurrentWidth{1'b0}})",
            "pooled-numbers-of-each-neuron",
        ),
        ("membranes of the neuron before", ".write_slot_i(update_slot_q)", ".write_slot_i(update_slot)", OVERLAPPING),
        ("membranes of each sum", ".write_i(update_q)", ".write_i(1'b1)", OVERLAPPING),
        ("one membrane for all", ".slot_i(number_slot),", ".slot_i({NeuronSlotWidth{1'b0}}),", OVERLAPPING),
        (
            "the first sum held",
            "taken_q2 & number_last",
            "taken_q2 & number_first",
            "pooled-direct-3-lanes-indexed",
        ),
        ("held in every step", "taken_q2 & number_last", "number_last", "pooled-direct-3-lanes-indexed"),
        ("membrane of the sample before a pool", "taken_q3 ?", "1'b0 ?", "pooled-direct-currents"),
    ),
]
