"""Mutations of the neurons for temporal data, of delays and of the readout of integrators."""

from __future__ import annotations

from rtl_tests.lib.mutations import faults

TEMPORAL_MUTATIONS = [
    *faults(
        "snn_integrator.v",
        ("integrator forgets", "leaked_q[MembraneWidth-1]}}, leaked_q} +", "1'b0}}} +", "integrators-last-3-lanes"),
        ("integrator never cleared", "clear_q3 ? {MembraneWidth{1'b0}} :", "0 ? 0 :", "integrators-last-3-lanes"),
    ),
    *faults(
        "snn_scores.v",
        ("least score", "(score > membrane) ? score : membrane", "membrane", "integrators-max-3-lanes"),
        ("scores never begin anew", "first_q <= sample_end_i", "first_q <= 1'b0", "integrators-sum-3-lanes"),
        ("score of one slot", "mem[slot_q2] <= sum_q", "mem[0] <= sum_q", "integrators-max-3-lanes"),
        ("a score too many", "last_slot ? LastLanes : AllLanes", "AllLanes", "integrators-max-3-lanes"),
        (
            "the next neuron update does not wait",
            "room_o = ~scanning_q",
            "room_o = 1'b1",
            "integrators-last-1-lanes",
            None,
            1,
        ),
    ),
    *faults(
        "snn_score_readout.v",
        (
            "scores compared unsigned",
            "score_q > best_q",
            "$unsigned(score_q) > $unsigned(best_q)",
            "integrators-max-3-lanes",
        ),
        ("score tie to the highest", "score_q > best_q", "score_q >= best_q", "integrators-max-3-lanes"),
        ("result of scores overwritten", "~result_valid_o & ~(take_q", "1'b1 & ~(take_q", "integrators-max-3-lanes"),
        ("first score ignored", "first_q <= last_q", "first_q <= 1'b0", "integrators-max-3-lanes"),
    ),
    *faults(
        "snn_adaptive_lif.v",
        ("adapted neuron fires above only", "compared >= threshold_q", "compared > threshold_q", "adaptive-hard"),
        ("no adaptation", "fire_at - adaptation", "fire_at", "adaptive-hard"),
        (
            "adaptation grows always",
            "spike_o ? recovered_q2 + adapt_step_q2 :",
            "1 ? recovered_q2 + adapt_step_q2 :",
            "adaptive-hard",
        ),
        ("adaptation never cleared", "clear_q3 ? {AdaptWidth{1'b0}} :", "0 ? 0 :", "adaptive-soft"),
        (
            "adaptation step of the neuron before",
            "adapt_step_q2 <= adapt_step_q",
            "adapt_step_q2 <= adapt_step_i",
            "adaptive-hard",
        ),
    ),
    *faults(
        "snn_synaptic_current.v",
        ("neuron without its current", "{charged_q[StateWidth-1], charged_q} + second", "second", "currents-hard"),
        ("neuron without its membrane", "charged_q} + second", "charged_q}", "currents-hard"),
        ("current never cleared", "clear_q ? {StateWidth{1'b0}} :", "0 ? 0 :", "currents-soft"),
        (
            "integrator without its current",
            "{charged_q[StateWidth-1], charged_q} + second",
            "second",
            "current-integrators-max",
        ),
        ("integrator without its membrane", "charged_q} + second", "charged_q}", "current-integrators-sum"),
        ("integrator's current never cleared", "clear_q ? {StateWidth{1'b0}} :", "0 ? 0 :", "current-integrators-max"),
    ),
    *faults(
        "snn_current_lif.v",
        ("membrane never cleared", "clear_q4 ? {MembraneWidth{1'b0}} :", "0 ? 0 :", "currents-soft"),
        ("threshold of the neuron after", "membrane >= fire_at_q", "membrane >= fire_at_i", "currents-hard"),
    ),
    *faults(
        "snn_current_integrator.v",
        ("integrated never cleared", "clear_q4 ? {MembraneWidth{1'b0}} :", "0 ? 0 :", "current-integrators-last"),
        ("currents that leak alike", ".leak_i(synapse_leak_i)", ".leak_i(0)", "current-integrators-sum"),
    ),
    *faults(
        "snn_delay.v",
        ("a step too late", "read_head_q + delay_i", "read_head_q + delay_i + 1", "delays-dense"),
        (
            "waiting spikes outlive the sample",
            "sample_end_q ? {NumLists{1'b0}} : used_q",
            "0 ? 0 : used_q",
            "delays-dense",
        ),
        ("step ends before its list", "(step_end_q ? ~more : ~waited_q)", "~waited_q", "delays-dense"),
        ("one waits alone", "place + {{PlaceWidth", "0 * place + {{PlaceWidth", "delays-indexed"),
        ("list never emptied", "used_q & ~(first << head_q)", "used_q", "delays-ragged"),
    ),
    *faults(
        "snn_neuron_update.v",
        (
            "second state a slot off",
            "second_slot_o = slot_delay_q[(UpdateDelay-2)",
            "second_slot_o = slot_delay_q[(UpdateDelay-3)",
            "adaptive-hard",
        ),
        (
            "a neuron update as if no stage were more",
            "6 + ExtraStages - NumSlots",
            "6 - NumSlots",
            "direct-adaptive-64-lanes",
        ),
    ),
    *faults(
        "*_fc1.v",
        ("adaptation of the sample before", "taken_q ? {SecondWidth{1'b0}} :", "0 ? 0 :", "direct-adaptive-2-lanes"),
        ("membrane of the sample before", "taken_q ? {SecondWidth{1'b0}} :", "0 ? 0 :", "direct-currents-2-lanes"),
    ),
]
