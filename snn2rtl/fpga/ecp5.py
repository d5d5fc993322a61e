"""ECP5 of Lattice, by Yosys and nextpnr."""

from snn2rtl.fpga.target import BLOCK_18K, Cells, Device, Target, each

ECP5 = Target(
    name="ecp5",
    commands={"ecp5": "synth_ecp5"},
    libraries=("read_verilog -lib -overwrite +/ecp5/cells_bb.v", "read_verilog -overwrite +/ecp5/cells_sim.v"),
    models="cells/ecp5.v.j2",
    block_memory=BLOCK_18K,
    cells=Cells(
        bram_unit="DP16KD",
        lut={"LUT4": 1, "CCU2C": 2},
        lutram={"TRELLIS_DPR16X4": 6},  # four of data, two of the write port
        ff=each("TRELLIS_FF"),
        bram=each("DP16KD", "PDPW16KD"),
        dsp=each("MULT18X18D"),
    ),
    unconstrained="--lpf-allow-unconstrained",
    devices={
        "85k": Device(options=("--85k", "--package", "CABGA756", "--speed", "6"), block_memories=208),
        "45k": Device(options=("--45k", "--package", "CABGA554", "--speed", "6"), block_memories=108),
        "25k": Device(options=("--25k", "--package", "CABGA381", "--speed", "6"), block_memories=56),
    },
)
