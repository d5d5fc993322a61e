"""What the benchmarks share: files, and the record of a run."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "results"
MODEL = ROOT / "examples" / "mnist_784_400_10.pt"
IMAGES = ROOT / "examples" / "mnist_test_1000.npz"


def machine() -> str:
    """Return a line about the machine."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "?")
    return f"{os.cpu_count()} cores of {cpu}, Python {platform.python_version()}, torch {torch.__version__}"


def record(name: str, title: str, command: str, lines: list[str]) -> None:
    """Print a result and keep it in docs/results/<name>.md."""
    text = "\n".join([f"# {title}", "", f"`{command}` on {machine()}.", "", *lines, ""])
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text)
