"""Names and literals of Verilog, made safe: whatever a model calls its layers, the output is legal and unique."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Verilog-2005 (IEEE 1364-2005, annex B), and SystemVerilog's, which some tools reserve in .v files too.
KEYWORDS = frozenset(
    """
    always and assign automatic begin buf bufif0 bufif1 case casex casez cell cmos config deassign default defparam
    design disable edge else end endcase endconfig endfunction endgenerate endmodule endprimitive endspecify endtable
    endtask event for force forever fork function generate genvar highz0 highz1 if ifnone incdir include initial inout
    input instance integer join large liblist library localparam macromodule medium module nand negedge nmos nor
    noshowcancelled not notif0 notif1 or output parameter pmos posedge primitive pull0 pull1 pulldown pullup
    pulsestyle_onevent pulsestyle_ondetect rcmos real realtime reg release repeat rnmos rpmos rtran rtranif0 rtranif1
    scalared showcancelled signed small specify specparam strong0 strong1 supply0 supply1 table task time tran tranif0
    tranif1 tri tri0 tri1 triand trior trireg unsigned use uwire vectored wait wand weak0 weak1 while wire wor xnor xor
    accept_on alias always_comb always_ff always_latch assert assume before bind bins binsof bit break byte chandle
    checker class clocking const constraint context continue cover covergroup coverpoint cross dist do endchecker
    endclass endclocking endgroup endinterface endpackage endprogram endproperty endsequence enum eventually expect
    export extends extern final first_match foreach forkjoin global iff ignore_bins illegal_bins implements implies
    import inside int interconnect interface intersect join_any join_none let local logic longint matches modport
    nettype new nexttime null package packed priority program property protected pure rand randc randcase randsequence
    ref reject_on restrict return s_always s_eventually s_nexttime s_until s_until_with sequence shortint shortreal
    soft solve static string strong struct super sync_accept_on sync_reject_on tagged this throughout timeprecision
    timeunit type typedef union unique unique0 until until_with untyped var virtual void wait_order weak wildcard with
    within
    """.split()
)
OURS = frozenset({"snn", "replay"})  # first words of our own modules' names
MAX_LENGTH = 48


def identifier(name: str) -> str:
    """Return a legal identifier near to a name: letters, digits and underscores, a letter first, no keyword.

    >>> [identifier(n) for n in ("fc1", "0.2", "../x", "wire", "Übung", "")]
    ['fc1', 'n0_2', 'x', 'wire_n', 'bung', 'n']
    """
    word = re.sub(r"_+", "_", re.sub(r"[^a-z0-9]", "_", name.lower())).strip("_")[:MAX_LENGTH].strip("_")
    if not word or word[0].isdigit() or word.partition("_")[0] in OURS:
        word = f"n{word}"
    return f"{word}_n" if word in KEYWORDS else word


def identifiers(names: Iterable[str], reserved: Iterable[str] = ()) -> list[str]:
    """Return an identifier for each name, no two alike and none of the reserved ones."""
    taken = set(reserved)
    result = []
    for name in names:
        base = candidate = identifier(name)
        number = 2
        while candidate in taken:
            candidate = f"{base}n{number}"
            number += 1
        taken.add(candidate)
        result.append(candidate)
    return result


def sized_int(value: int, width: int) -> str:
    """Return a sized decimal literal; a negative value as the two's complement pattern of ``width`` bits.

    >>> sized_int(5, 4), sized_int(-1, 4)
    ("4'd5", "4'd15")
    """
    return f"{width}'d{value & ((1 << width) - 1)}"


def comment(text: str) -> str:
    """Return a name for use in a comment or a string: printable ASCII of one line, nothing that ends or escapes it."""
    return re.sub(r"[^\x20-\x7e]|[\"\\`'|]", "?", text)[:80]
