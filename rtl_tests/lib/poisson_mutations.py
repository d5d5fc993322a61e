"""Mutations of the Poisson encoder."""

from __future__ import annotations

from rtl_tests.lib.mutations import Mutation, faults

WHOLE = ("poisson-2-lanes-ragged", "odd")  # a network and a bench that show most of them

POISSON_MUTATIONS: list[Mutation] = faults(
    "snn_poisson.v",
    ("noise at the bound spikes", "16] < data_q2", "16] <= data_q2", "", "odd"),
    ("noise stays", "else if (read_q2) state_q", "else if (1'b0) state_q", *WHOLE),
    ("noise runs on", "!rst_ni | (read_q2 & sample_end_q2)", "!rst_ni", *WHOLE),
    (
        "no noise for a group without a pixel",
        "else if (read_q2)",
        "else if (read_q2 & (|used_q2))",
        "poisson-of-8",
        "odd",
    ),
    ("another generator", "following << 17", "following << 16", *WHOLE),
    ("places behind the last pixel spike", "~({4{last_group}} &", "~(4'd0 &", *WHOLE),
    ("a step of spikes too few", "NumSteps - 1", "NumSteps - 2", *WHOLE),
    ("the list of another size", "read_list_q ? size1_q : size0_q", "size0_q", *WHOLE),
    ("one memory for both lists", "mem[{list_q,", "mem[{1'b0,", *WHOLE),
    ("pixels into a list that is walked", "= ~full_q[enter_list_q]", "= 1'b1", *WHOLE),
    ("list of the sample before goes on", "number_q     <= end_q ?", "number_q     <= 1'b0 ?", *WHOLE),
    ("walk before the list is full", "full_q[read_list_q] & room", "room", *WHOLE),
    (
        "groups lost when the queue is full",
        "full_q[read_list_q] & room",
        "full_q[read_list_q]",
        "poisson-1-lanes-dense",
        "odd",
    ),
    ("more groups on the way than there is room for", ".NumLate(3)", ".NumLate(1)", "poisson-1-lanes-dense", "odd"),
    ("every step of spikes ends the sample", "last_group & last_step}", "last_group}", *WHOLE),
    ("pixels of seven bits", "{8'd0, pixel_i}", "{9'd0, pixel_i[6:0]}", *WHOLE),
)
