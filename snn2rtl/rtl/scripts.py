"""Scripts of an output folder with which a person synthesises it: Yosys, Vivado, FuseSoC."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from snn2rtl.fpga import DEFAULT
from snn2rtl.rtl.design import RtlDesign
from snn2rtl.rtl.templates import render
from snn2rtl.version import __version__


def write_scripts(design: RtlDesign, folder: Path, header: str) -> None:
    """Write yosys/, vivado/ and the FuseSoC core of a folder that has its hdl/, mem/ and tb/ already.

    Args:
        design: the hardware.
        folder: the output folder.
        header: first line of a generated file, as a Verilog comment.
    """
    files, memories, vectors = (_list(folder, pattern) for pattern in ("hdl/*.v", "mem/*.mem", "tb/vectors/*.hex"))
    values = {"header": hash_comment(header), "top": design.top, "files": files, "memories": memories}
    core = design.top.removesuffix("_top")
    texts = {
        "yosys/synth.ys": yosys_script(design, files, header, DEFAULT.commands[DEFAULT.name]),
        "vivado/build.tcl": render("vivado/build.tcl.j2", **values),
        "vivado/constraints.xdc": render("vivado/constraints.xdc.j2", **values),
        f"{core}.core": render("fusesoc/core.j2", **values, core=core, version=__version__, vectors=vectors),
    }
    for path, text in texts.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def yosys_script(design: RtlDesign, files: Sequence[str], header: str, command: str) -> str:
    """Return a script that synthesises a design with a synth command of Yosys; its option -o says what to write."""
    streams = " ".join(f"{design.top}/w:{layer.stream}_*" for layer in design.layers)
    values = {"header": hash_comment(header), "top": design.top, "files": " ".join(files), "command": command}
    return render("yosys/synth.ys.j2", **values, streams=streams)


def hash_comment(header: str) -> str:
    """Return a Verilog comment as one of Tcl, Yosys and YAML."""
    return "#" + header.removeprefix("//")


def _list(folder: Path, pattern: str) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.glob(pattern))
