"""Mutations of resets: late, stepped and none, and of the steps in which neurons rest."""

from __future__ import annotations

from rtl_tests.lib.mutations import faults

RESET_MUTATIONS = [
    *faults(
        "snn_lif.v",
        ("late reset forgotten", "spike_q ? kept_q - reset_by_q2 : kept_q", "kept_q", "late-shift", "shift-1-late"),
        ("late reset always", "spike_q ? kept_q -", "1 ? kept_q -", "late-shift", "shift-1-late"),
        ("late reset of the neuron after", "reset_by_q2 <= reset_by_q;", "reset_by_q2 <= reset_by_i;", "late-shift",
         "shift-1-late"),
        ("leak of the neuron after a late reset", "assign leak = leak_q;", "assign leak = leak_i;", "", "shifts-late"),
        ("reset where there is none", "if (ResetKind == 2)", "if (0)", "none-shift", "shift-2-none"),
        ("late reset not cleared", "clear_q3 ? {MembraneWidth{1'b0}} : spike_q ?", "spike_q ?", "late-no-leak",
         "shift-1-late"),
    ),
    *faults(
        "snn_single_lif.v",
        ("single late reset forgotten", "spike_o ? state_q[MembraneWidth-1:0] - reset_by_i :", "", "late-single",
         "shift-1-late"),
        ("single late membrane never saturates", "fire_i ? membrane :", "fire_i ? state_q[MembraneWidth-1:0] :",
         "late-single-saturating", "saturating-late"),
        ("single reset where there is none", "spike_o & (ResetKind == 0)", "spike_o", "none-single", "no-leak-none"),
    ),
    *faults(
        "snn_current_lif.v",
        ("current: late reset forgotten", "spike_q ? leaked_q - reset_by_q3 : leaked_q", "leaked_q", "late-currents",
         "3-0"),
        ("current: late reset of the neuron after", "reset_by_q3 <= reset_by_q2", "reset_by_q3 <= reset_by_q",
         "late-currents", "3-0"),
        ("current: leak of the neuron after a late reset", "assign leak = leak_q2", "assign leak = leak_q", "", "3-3"),
        ("current: reset where there is none", "if (ResetKind == 2)", "if (0)", "none-currents", "2-0"),
        ("current: soft reset to zero", "membrane_q - reset_by_q2 :", "0 :", "currents-soft", "1-0"),
        ("current: hard reset forgotten", "spike_o ? {MembraneWidth{1'b0}} : membrane_q", "membrane_q",
         "currents-hard", "0-0"),
    ),
    *faults(
        "snn_adaptive_lif.v",
        ("adapted neuron reset where there is none", "if (ResetKind == 2)", "if (0)", "none-adaptive"),
    ),
    *faults(
        "snn_stepped_lif.v",
        ("first threshold alone", "fire_at_q  <= above_q ? both :", "fire_at_q  <= 0 ? both :", "stepped-shift", "0"),
        ("second threshold alone", "fire_at_q  <= above_q ? both :", "fire_at_q  <= 1 ? both :", "stepped-shift", "0"),
        ("above: compared with the first threshold", "above_q ? fire_at_i : both", "fire_at_i", "stepped-shift", "0"),
        ("above: strictly", "charged_q2 >= other", "charged_q2 > other", "stepped-no-leak", "0"),
        ("above: never cleared", "~clear_q3 & above_q3", "above_q3", "stepped-no-leak", "0"),
        ("above: a reset of the neuron after", ".reset_by_i(reset_by_q)", ".reset_by_i(reset_by_i)", "stepped-shift",
         "0"),
    ),
    *faults(
        "snn_stepped_current_lif.v",
        ("current: first threshold alone", ".fire_at_i(above_q ? both : fire_at_i)", ".fire_at_i(fire_at_i)",
         "stepped-currents", "0"),
        ("current above: compared with the first threshold", "above_q ? fire_at_i : both;", "fire_at_i;",
         "stepped-currents", "0"),
        ("current above: strictly", "sum_q >= other", "sum_q > other", "stepped-currents", "0"),
        ("current above: without the membrane", "charged_q} + second", "charged_q}", "stepped-currents", "0"),
        ("current above: never cleared", "~clear_q3 & above_q3", "above_q3", "stepped-currents", "0"),
    ),
    *faults(
        "snn_refractory_lif.v",
        ("never rests", "rests ? {StateWidth{1'b0}} : charged_q", "charged_q", "refractory-1-shift", "0"),
        ("rests a step too long", "= Refractory[LeftWidth-1:0]", "= Refractory[LeftWidth-1:0] + 1",
         "refractory-3-shift", "2"),
        ("rests for ever", "left_q - {{(LeftWidth - 1){1'b0}}, 1'b1}", "left_q", "refractory-1-shift", "0"),
        ("rests into the next sample", "clear_q3 ? {LeftWidth{1'b0}} :", "0 ? 0 :", "refractory-3-no-leak", "1"),
    ),
    *faults(
        "snn_refractory_current_lif.v",
        ("current: spikes while it rests", "spike & ~rests_q3", "spike", "refractory-1-currents", "0"),
        ("current: charges while it rests", "rests_q4 ? {MembraneWidth{1'b0}} : kept", "kept",
         "refractory-1-currents", "0"),
        ("current: rests a step too long", "= Refractory[LeftWidth-1:0]", "= Refractory[LeftWidth-1:0] + 1",
         "refractory-3-currents", "2"),
        ("current: rests for ever", "left_q - {{(LeftWidth - 1){1'b0}}, 1'b1}", "left_q", "refractory-1-currents",
         "0"),
        ("current: rests into the next sample", "clear_q3 ? {LeftWidth{1'b0}} :", "0 ? 0 :", "refractory-3-currents",
         "1"),
    ),
]  # fmt: skip
