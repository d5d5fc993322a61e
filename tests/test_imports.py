"""Who may import whom: docs/architecture.md has the reasons."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "snn2rtl"
FILES = sorted(PACKAGE.rglob("*.py"))
FRAMEWORKS = {"torch", "torchvision", "torchaudio", "spikingjelly", "norse", "snntorch", "nir"}
CORE = [
    "snn2rtl",
    "snn2rtl.api",
    "snn2rtl.cli",
    "snn2rtl.compiler",
    "snn2rtl.int_net.network_file",
    "snn2rtl.int_net.reference",
    "snn2rtl.rtl.emit",
    "snn2rtl.verify.verify",
]


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports(path: Path, node: ast.AST) -> set[str]:
    """Return the modules that a file imports when it runs, those inside of functions too."""
    found = set()
    for child in ast.iter_child_nodes(node):
        if is_type_checking(child):
            continue
        if isinstance(child, ast.Import):
            found |= {alias.name for alias in child.names}
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"{path}: imports must be absolute"
            found |= {child.module, *(f"{child.module}.{alias.name}" for alias in child.names)}
        else:
            found |= imports(path, child)
    return found


IMPORTS = {module_name(path): imports(path, ast.parse(path.read_text())) for path in FILES}


def within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def test_only_the_front_end_and_training_import_a_framework():
    users = {name for name, used in IMPORTS.items() if any(module.split(".")[0] in FRAMEWORKS for module in used)}
    assert users
    assert {name for name in users if not within(name, "snn2rtl.frontend", "snn2rtl.training")} == set()


def test_only_plots_import_matplotlib():
    users = {name for name, used in IMPORTS.items() if any(within(module, "matplotlib") for module in used)}
    assert users == {"snn2rtl.measure.plots", "snn2rtl.studies.plots", "snn2rtl.data.shd_plots"}


def test_only_readers_and_writers_of_its_files_import_h5py():
    users = {name for name, used in IMPORTS.items() if any(within(module, "h5py") for module in used)}
    assert users == {"snn2rtl.data.shd_reader", "snn2rtl.nir.reader", "snn2rtl.nir.writer"}


def test_only_tuning_imports_optuna_and_databases():
    heavy = {"optuna", "sqlalchemy", "psycopg", "sqlite3"}
    users = {name for name, used in IMPORTS.items() if any(module.split(".")[0] in heavy for module in used)}
    assert users
    assert {name for name in users if not within(name, "snn2rtl.studies")} == set()


def test_nobody_imports_torchvision_or_torchaudio():
    heavy = ("torchvision", "torchaudio")
    assert not {name for name, used in IMPORTS.items() if any(within(module, *heavy) for module in used)}


def test_nothing_imports_the_command_line():
    users = {name for name, used in IMPORTS.items() if any(within(module, "snn2rtl.cli") for module in used)}
    assert users <= {"snn2rtl.__main__"}


def test_the_front_end_and_training_do_not_know_the_hardware():
    upper = {name: used for name, used in IMPORTS.items() if within(name, "snn2rtl.frontend", "snn2rtl.training")}
    lower = ("snn2rtl.rtl", "snn2rtl.verify", "snn2rtl.flows")
    assert not {(name, module) for name, used in upper.items() for module in used if within(module, *lower)}


def closure(module: str) -> set[str]:
    """Return all of our modules that a module stands on."""
    found, waiting = set(), {module}
    while waiting:
        one = waiting.pop()
        found.add(one)
        waiting |= {name for name in IMPORTS[one] if name in IMPORTS} - found
    return found - {"snn2rtl"}


SHARED = ("snn2rtl.fixed_point", "snn2rtl.checks", "snn2rtl.errors", "snn2rtl.windows", "snn2rtl.pools",
          "snn2rtl.delays", "snn2rtl.encoders")  # fmt: skip


@pytest.mark.parametrize("level", [name for name in IMPORTS if within(name, "snn2rtl.int_net")])
def test_the_integer_network_and_the_golden_model_stand_on_little(level):
    read = {"snn2rtl.arrays"} if level == "snn2rtl.int_net.network_file" else set()
    assert not [name for name in closure(level) - read if not within(name, *SHARED, "snn2rtl.int_net")]


@pytest.mark.parametrize("level", [name for name in IMPORTS if within(name, "snn2rtl.float_net")])
def test_the_float_network_does_not_know_the_integer_one(level):
    assert not [name for name in closure(level) if not within(name, *SHARED, "snn2rtl.float_net")]


STANDS_ON = {
    "snn2rtl.fixed_point": (),
    "snn2rtl.windows": (),
    "snn2rtl.rtl.hextext": ("snn2rtl.fixed_point",),
    "snn2rtl.fpga": ("snn2rtl.fpga", "snn2rtl.errors", "snn2rtl.fixed_point"),
}


@pytest.mark.parametrize(("level", "below"), STANDS_ON.items())
def test_some_modules_stand_alone(level, below):
    assert not [name for name in closure(level) - {level} if not within(name, *below)]


def test_there_is_no_circle():
    """Modules can be put in an order in which each imports only those before it; functions may look ahead."""
    waiting = {}
    for path in FILES:
        top = ast.parse(path.read_text())
        top.body = [node for node in top.body if isinstance(node, (ast.Import, ast.ImportFrom))]
        used = imports(path, top)
        waiting[module_name(path)] = {name for name in used if name in IMPORTS and name != module_name(path)}
    packages = {module_name(path) for path in FILES if path.name == "__init__.py"}
    done: set[str] = set()
    while ready := [name for name, used in waiting.items() if used - packages <= done]:
        done |= set(ready)
        waiting = {name: used for name, used in waiting.items() if name not in done}
    assert not waiting


def test_the_core_starts_without_a_framework():
    code = f"import sys, {', '.join(CORE)}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in run.stdout.split()}
    assert "numpy" in loaded
    assert not (FRAMEWORKS | {"optuna", "sqlalchemy", "matplotlib", "h5py"}) & loaded
