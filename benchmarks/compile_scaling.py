"""Compile time and memory: the example as a process, and random networks of growing size in one process each."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import MODEL, record

SIZES = (512, 1024, 2048, 4096)


def main() -> None:
    """Measure and write docs/results/compile_scaling.md."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "rtl"
        command = [sys.executable, "-m", "snn2rtl", "compile", str(MODEL), "--bits", "8", "--out", str(out), "--quiet"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # import caches
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
        rows = [f"| 784-400-10, `snn2rtl compile` as a process | {317_600} | {seconds:.1f} | {peak:.0f} | |"]
        for size in SIZES:
            done = subprocess.run(
                [sys.executable, __file__, str(size), scratch], check=True, capture_output=True, text=True
            )
            found = json.loads(done.stdout)
            per_weight = found["seconds"] / (2 * size * size) * 1e9
            name = f"{size}-{size}-{size}, random weights, in Python"
            rows.append(
                f"| {name} | {2 * size * size} | {found['seconds']:.1f} | {found['peak_mb']:.0f} | {per_weight:.0f} |"
            )
    record(
        "compile_scaling",
        "Compile time and memory",
        "make bench",
        [
            "Peak memory is the process's; that of the random networks includes their own float64 weights.",
            "",
            "| network | weights | seconds | peak MB | ns a weight |",
            "| --- | --- | --- | --- | --- |",
            *rows,
        ],
    )


def measure(size: int, scratch: Path) -> None:
    """Compile one random network and print seconds and peak memory as JSON."""
    import numpy as np

    import snn2rtl
    from snn2rtl.spiking import Linear, Neuron, SpikingNetwork

    rng = np.random.default_rng(0)
    nodes: list[Linear | Neuron] = []
    for index in (1, 2):
        nodes.append(Linear(name=f"fc{index}", weight=rng.normal(0, 0.02, (size, size)), bias=np.zeros(size)))
        nodes.append(Neuron(name=f"lif{index}", tau=2.0, v_threshold=1.0, v_reset=0.0))
    start = time.perf_counter()
    snn2rtl.compile(SpikingNetwork(name="random", nodes=tuple(nodes)), scratch / "random")
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(json.dumps({"seconds": seconds, "peak_mb": peak}))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(int(sys.argv[1]), Path(sys.argv[2]))
    else:
        main()
