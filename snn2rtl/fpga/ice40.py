"""iCE40 of Lattice, by Yosys and nextpnr."""

from snn2rtl.fpga.target import BlockMemory, Cells, Device, Target, each

ICE40 = Target(
    name="ice40",
    commands={
        "ice40": "synth_ice40",
        "ice40-up5k": "synth_ice40 -dsp -device u",  # the one iCE40 here that has multipliers
    },
    # only the cells in use, for one large memory alone takes Yosys minutes
    libraries=("read_verilog -defer -overwrite -D NO_ICE40_DEFAULT_ASSIGNMENTS +/ice40/cells_sim.v",),
    block_memory=BlockMemory(shapes=((256, 16), (512, 8), (1024, 4), (2048, 2)), lut_bits=1024),
    cells=Cells(
        bram_unit="SB_RAM40_4K",
        lut=each("SB_LUT4"),
        lutram={},
        ff=each(*(f"SB_DFF{n}{e}{r}" for n in ("", "N") for e in ("", "E") for r in ("", "R", "S", "SR", "SS"))),
        bram=each(*(f"SB_RAM40_4K{kind}" for kind in ("", "NR", "NW", "NRNW"))),
        dsp=each("SB_MAC16"),
    ),
    unconstrained="--pcf-allow-unconstrained",
    devices={
        "hx8k": Device(options=("--hx8k", "--package", "ct256"), block_memories=32),
        "up5k": Device(options=("--up5k", "--package", "sg48"), block_memories=30, netlist="ice40-up5k"),
    },
)
