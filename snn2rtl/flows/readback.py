"""Reads the modules and ports of generated Verilog back, with a parser that is not ours (pyverilog)."""

from __future__ import annotations

import contextlib
import io
import operator
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from snn2rtl.errors import ToolFailedError
from snn2rtl.flows import tools
from snn2rtl.flows.workspace import Workspace
from snn2rtl.folder import OutputFolder, open_folder

Ports = dict[str, tuple[str, int]]

_OPERATORS = {"Plus": operator.add, "Minus": operator.sub, "Times": operator.mul}


def module_ports(folder: Path) -> dict[str, Ports]:
    """Return direction and width of every port of every module of an output folder, by module and port.

    Widths that depend on parameters are those of the parameters' defaults.

    Raises:
        ModelFileError: the folder is none that compile wrote.
        ToolNotFoundError: iverilog, whose preprocessor the parser needs, is not installed.
        ToolFailedError: the Verilog cannot be parsed, or a port's width cannot be told.
    """
    opened = open_folder(folder)
    tree = _parse(opened)
    return {module.name: _ports(module) for module in tree.description.definitions}


def _parse(folder: OutputFolder) -> Any:
    from pyverilog.vparser.parser import ParseError, VerilogParser

    workspace = Workspace.of(folder)
    log = folder.build_place("readback") / "log.txt"
    arguments = ["-E", "-o", "plain.v", *folder.hdl]
    tools.run(tools.require("iverilog"), arguments, cwd=workspace.path, log_file=log)
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # the parser generator talks of its own grammar
            parser = VerilogParser(outputdir=str(workspace.path), debug=False)
            return parser.parse((workspace.path / "plain.v").read_text(encoding="utf-8"))
    except ParseError as error:
        raise ToolFailedError(f"pyverilog: cannot parse {folder.path / 'hdl'}: {error}") from error


def _ports(module: Any) -> Ports:
    values: dict[str, int] = {}
    for parameter in (one for group in module.paramlist.params for one in group.list):
        if type(parameter.value.var).__name__ != "StringConst":
            values[parameter.name] = _evaluate(parameter.value.var, values)
    ports = (port.first for port in module.portlist.ports)
    return {port.name: (type(port).__name__.lower(), _width(port.width, values)) for port in ports}


def _width(width: Any, parameters: Mapping[str, int]) -> int:
    return 1 if width is None else _evaluate(width.msb, parameters) - _evaluate(width.lsb, parameters) + 1


def _evaluate(node: Any, parameters: Mapping[str, int]) -> int:
    """Return the value of a sum or product of integers and parameters, which is all that our ports need."""
    match type(node).__name__:
        case "IntConst":
            return int(node.value)
        case "Identifier":
            return parameters[node.name]
        case "Plus" | "Minus" | "Times" as kind:
            return int(_OPERATORS[kind](_evaluate(node.left, parameters), _evaluate(node.right, parameters)))
        case kind:
            raise ToolFailedError(f"pyverilog: line {node.lineno}: cannot tell a width from {kind}")
