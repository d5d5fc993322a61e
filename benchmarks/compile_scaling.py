"""Compile time and memory: the example as a process, and model files of growing size in one process each."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import MODEL, record

NETWORKS = (  # neurons of each of two layers, and the share of their weights that is not zero
    (512, 1.0), (1024, 1.0), (2048, 1.0), (2240, 1.0), (4096, 1.0), (3200, 0.5), (7072, 0.1),
)  # fmt: skip


def main() -> None:
    """Measure and write docs/results/compile_scaling.md."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "rtl"
        command = [sys.executable, "-m", "snn2rtl", "compile", str(MODEL), "--bits", "8", "--out", str(out), "--quiet"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # import caches
        start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        rows = [row(*network, Path(scratch)) for network in NETWORKS]
    record(
        "compile_scaling",
        "Compile time and memory",
        "make bench",
        [
            f"784-400-10, `snn2rtl compile` as a process, start to end: {seconds:.1f} s, {cpu_seconds:.1f} of CPU; "
            f"{after.ru_maxrss / 1e3:.0f} MB at the peak.",
            "",
            "Below, model files of random weights, LIF neurons, 16 lanes; from the file to the output folder, in a",
            "process that has imported everything, torch too. The network's own size is that of its weights as loaded,",
            "in float64; in the file they are float32, half of it. Masks are zeros among the weights and take nothing.",
            "Peak: above the process before, the loaded network included. Load average of the machine at the end: "
            f"{os.getloadavg()[1]:.1f}.",
            "",
            "| network | weights | not zero | seconds | of CPU | own MB | process before, MB | peak above, MB "
            "| over own size | over file |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
            *rows,
        ],
    )


def row(size: int, density: float, scratch: Path) -> str:
    """Measure a network and return its row of the table."""
    model = scratch / "model.pt"
    child(["make", str(size), str(density), str(model)])
    found = child(["measure", str(model), str(scratch / "random")])
    weights, megabytes = 2 * size * size, 16e-6 * size * size
    above = found["peak_mb"] - found["before_mb"]
    return (
        f"| {size}-{size}-{size} | {weights} | {density:.0%} | {found['seconds']:.1f} "
        f"| {found['cpu_seconds']:.1f} | {megabytes:.0f} | {found['before_mb']:.0f} | {above:.0f} "
        f"| {above / megabytes:.1f} | {2 * above / megabytes:.1f} |"
    )


def child(arguments: list[str]) -> dict[str, Any]:
    """Run this file in a process of its own and return what it prints."""
    done = subprocess.run([sys.executable, __file__, *arguments], check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def make(size: int, density: float, model: Path) -> None:
    """Write a model file of random weights."""
    import torch
    from spikingjelly.activation_based import neuron
    from torch import nn

    import snn2rtl

    torch.manual_seed(0)
    net = nn.Sequential()
    for _ in range(2):
        linear = nn.Linear(size, size)
        with torch.no_grad():
            linear.weight.normal_(0, 0.02).mul_(torch.rand(size, size) < density)
        net.append(linear)
        net.append(neuron.LIFNode(tau=2.0, v_reset=0.0, step_mode="m"))
    snn2rtl.save(net, model)
    print("{}")


def measure(model: Path, out: Path) -> None:
    """Compile a model file and print seconds and peak memory as JSON."""
    import snn2rtl
    import snn2rtl.frontend

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    start, cpu_start = time.perf_counter(), time.process_time()
    snn2rtl.compile(model, out)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "before_mb": before, "peak_mb": peak}))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["make", size, density, model]:
            make(int(size), float(density), Path(model))
        case ["measure", model, out]:
            measure(Path(model), Path(out))
        case _:
            main()
