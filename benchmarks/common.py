"""What the benchmarks share: the example network as a SpikingJelly module, and the record of a run."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch
from spikingjelly.activation_based import layer, neuron
from torch import nn

from snn2rtl.spiking import Linear, Neuron, SpikingNetwork

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "results"
MODEL = ROOT / "examples" / "mnist_784_400_10.pt"
IMAGES = ROOT / "examples" / "mnist_test_1000.npz"


def spikingjelly_module(network: SpikingNetwork, step_mode: str = "m") -> nn.Sequential:
    """Return the SpikingJelly network of Linear and LIF nodes, in evaluation mode."""
    modules: list[nn.Module] = []
    for node in network.nodes:
        if isinstance(node, Linear):
            linear = layer.Linear(
                node.weight.shape[1], node.weight.shape[0], bias=bool(node.bias.any()), step_mode=step_mode
            )
            linear.weight.data = torch.tensor(node.weight, dtype=torch.float32)
            if linear.bias is not None:
                linear.bias.data = torch.tensor(node.bias, dtype=torch.float32)
            modules.append(linear)
        elif isinstance(node, Neuron) and node.tau is not None:
            lif = neuron.LIFNode(node.tau, node.decay_input, node.v_threshold, node.v_reset, step_mode=step_mode)
            modules.append(lif)
        else:
            raise TypeError(f"{node.name}: the benchmarks know Linear and LIF only")
    return nn.Sequential(*modules).eval()


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
