"""Adds the toys to the tables and templates that CONTRIBUTING.md names, and to nothing else."""

from __future__ import annotations

import importlib
import shutil
from functools import cache
from pathlib import Path

import pytest
from toy_front_end import Toy
from toy_layout import InvertedRows
from toy_neuron import HalvingNeuron, halving

from snn2rtl.rtl import templates

HERE = Path(__file__).parent
# By the section of CONTRIBUTING.md: module, table, key and value; and files, by where they go.
LINES = {
    "a neuron model": (
        ("snn2rtl.int_net.neurons", "KINDS", "halving", HalvingNeuron),
        ("snn2rtl.rtl.neurons", "MODULES", HalvingNeuron, halving),
    ),
    "a layout of weights": (("snn2rtl.rtl.layouts", "LAYOUTS", InvertedRows.kind, InvertedRows),),
    "a front end, a framework whose networks are read": (
        ("snn2rtl.frontend.frameworks", "FRONT_ENDS", Toy.name, Toy()),
    ),
}
FILES = {
    "a neuron model": {"templates/verilog/snn_halving.v": "toy_neuron.v"},
    "a layout of weights": {
        f"templates/verilog/layouts/inverted/{file.name}": f"toy_layout/{file.name}"
        for file in sorted((HERE / "toy_layout").iterdir())
    },
}


def add(section: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Add the toy of a section until the test is over."""
    for module, table, key, value in LINES[section]:
        monkeypatch.setitem(getattr(importlib.import_module(module), table), key, value)
    if section not in FILES:
        return
    root = tmp_path / "checkout"
    shutil.copytree(templates.folder(), root / "templates")
    for target, source in FILES[section].items():
        (root / target).parent.mkdir(exist_ok=True)
        shutil.copy(HERE / source, root / target)
    monkeypatch.setattr(templates, "folder", lambda: root / "templates")
    monkeypatch.setattr(templates, "_environment", cache(templates._environment.__wrapped__))
