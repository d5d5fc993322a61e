"""7 series of Xilinx, by Yosys alone: counts of cells, and no clock."""

from snn2rtl.fpga.target import BLOCK_18K, Cells, Target, each

XC7 = Target(
    name="xc7",
    commands={"xc7": "synth_xilinx -family xc7 -flatten"},
    libraries=("read_verilog -overwrite +/xilinx/cells_sim.v",),
    models="cells/xc7.v.j2",
    block_memory=BLOCK_18K,
    cells=Cells(
        bram_unit="RAMB36",
        lut=each("INV", *(f"LUT{inputs}" for inputs in range(1, 7))),
        lutram={
            **each("SRL16E", "SRLC32E", "RAM32X1S", "RAM64X1S"),
            **{"RAM32X1D": 2, "RAM64X1D": 2, "RAM32M": 4, "RAM64M": 4, "RAM128X1D": 4, "RAM256X1S": 4},
        },
        ff=each(*(f"FD{kind}E{edge}" for kind in "RSCP" for edge in ("", "_1"))),
        bram={"RAMB36E1": 1, "RAMB18E1": 0.5},
        dsp=each("DSP48E1"),
    ),
)
