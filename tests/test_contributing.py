"""CONTRIBUTING.md names the files that an addition touches: they must exist for the kinds that are there already."""

import re
from pathlib import Path

import pytest

from snn2rtl.fpga import TARGETS

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
SECTIONS = dict(re.findall(r"^### (.*?)\n\n(.*?)(?=^##|\Z)", TEXT, re.M | re.S))
EXAMPLES = {
    "a neuron model": ["lif", "adaptive_lif"],
    "a kind of synapses": ["dense", "convolution"],
    "a front end, a framework whose networks are read": ["spikingjelly", "norse"],
    "a layout of weights": ["dense", "indexed", "ragged"],
    "a node of the float network": [""],
    "a block between populations": ["fork", "merge", "address_map", "max_pool", "group_sum"],
    "a target, a family of FPGAs": ["ecp5", "ice40", "xc7"],
}


def paths(section: str) -> list[str]:
    return re.findall(r"`([\w/.<>*-]+/[\w/.<>*-]*)`", SECTIONS[section])


def test_every_section_has_examples():
    assert set(SECTIONS) == set(EXAMPLES)
    assert all(paths(section) for section in SECTIONS)


@pytest.mark.parametrize(
    ("section", "kind"), [(section, kind) for section, kinds in EXAMPLES.items() for kind in kinds]
)
def test_the_files_of_a_section_exist(section, kind):
    missing = [path for path in paths(section) if not (ROOT / re.sub(r"<\w+>", kind, path)).exists()]
    assert not missing


def test_no_other_file_knows_the_kinds_of_neurons():
    """A file that names a model is in the list of a neuron model, or makes integers of floats."""
    names = re.compile(r"\b(AdaptiveLifNeuron|CubaLifNeuron|CubaIntegrator)\b")
    allowed = {"quantize_neurons.py", "quantize_report.py"}
    users = [path for path in (ROOT / "snn2rtl").rglob("*.py") if names.search(path.read_text())]
    outside = [path for path in users if path.parent.name != "neurons" and path.name not in allowed]
    assert users
    assert not outside


def test_no_template_asks_for_a_layout():
    texts = {path.name: path.read_text() for path in (ROOT / "templates").rglob("*.j2")}
    assert not [name for name, text in texts.items() if re.search(r"layout\.kind ==", text)]


def test_no_other_file_knows_the_targets():
    names = re.compile(rf"[\"'_-]({'|'.join(TARGETS)})\b")
    users = {path.parent.name for path in (ROOT / "snn2rtl").rglob("*.py") if names.search(path.read_text())}
    assert users == {"fpga"}


def test_no_other_file_knows_the_frameworks():
    """Besides them there are files that run or make networks of SpikingJelly, and arch files, which name Norse's."""
    names = re.compile(r"^ *(?:from|import) .*\b(spikingjelly|norse)", re.M)
    users = {path.name: path.parent.name for path in (ROOT / "snn2rtl").rglob("*.py") if names.search(path.read_text())}
    assert "frameworks" in users.values()
    outside = {name for name, folder in users.items() if folder != "frameworks"}
    assert outside <= {"forward.py", "export.py", "arch_layers.py"}
