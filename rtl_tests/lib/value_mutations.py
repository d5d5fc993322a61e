"""Mutations of what takes values of each step: their entrance, their products, and spikes beside them."""

from __future__ import annotations

from rtl_tests.lib.mutations import faults

VALUE_MUTATIONS = [
    *faults(
        "snn_pixel_ingress.v",
        ("steps without an end", "(HasSteps != 0) & at_last", "1'b0", "values-2-lanes-indexed", "steps"),
        ("steps of a beat", "(HasSteps != 0) & at_last", "(HasSteps != 0)", "values-2-lanes-indexed", "steps"),
        ("values of a step end the sample", "(HasSteps == 0) | event_last", "1'b1", "values-2-lanes-indexed", "steps"),
        (
            "samples without an end",
            "(HasSteps == 0) | event_last",
            "(HasSteps == 0)",
            "values-2-lanes-indexed",
            "steps",
        ),
    ),
    *faults(
        "toy_fc1.v",
        ("product of the slot before", "add_slot <= early_add_slot;", "add_slot <= 0;", "values-1-lanes-dense"),
        ("weight without its value", ".weight_i(product)", ".weight_i({8'd0, weight})", "values-5-lanes-ragged"),
        ("single weight without its value", ".weight_i(product)", ".weight_i({8'd0, weight})", "values-single-indexed"),
        ("value of the first input", ".event_tag_i(event_pixel_i)", ".event_tag_i(8'd1)", "values-single-ragged"),
        ("own spikes count one", "wide_back_addr, 8'd255}", "wide_back_addr, 8'd1}", "values-recurrent-2-lanes-dense"),
        ("own rows among the inputs", ".Offsets(26'd4864)", ".Offsets(26'd0)", "values-recurrent-3-lanes-ragged"),
    ),
    *faults(
        "graph_top.v",
        ("spikes beside values count one", "conv_addr, 8'd255}", "conv_addr, 8'd1}", "values-beside-spikes"),
    ),
]
