"""Files that other frameworks write, and ours read by them: the same spikes on both sides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import nir
import numpy as np
import pytest
import snntorch
import torch
from nir_files import DT, EXACT, STEPS, chain, golden, write
from norse.torch import LIFBoxCell, SequentialState, from_nir, to_nir
from norse.torch.functional.lif_box import LIFBoxParameters
from norse.torch.functional.reset import reset_subtract
from snntorch.export_nir import export_to_nir
from snntorch.import_nir import import_from_nir as snntorch_from_nir
from spikingjelly.activation_based import functional, layer, neuron
from spikingjelly.activation_based.nir_exchange import export_to_nir as spikingjelly_to_nir
from spikingjelly.activation_based.nir_exchange import import_from_nir as spikingjelly_from_nir
from test_frontend_nir import conv, cuba, lif, spikes, weights
from torch import nn

import snn2rtl
from snn2rtl import nir as ours
from snn2rtl.compiler import fold
from snn2rtl.frontend import from_module
from snn2rtl.int_net import reference
from snn2rtl.options import PerLayer

TOOL_DT = 1e-4  # of snnTorch
# thresholds that float32 holds with half a step
NARROW = replace(EXACT, membrane_fraction=PerLayer(15))
OFF_GRID = 1 + 2.0**-20  # a threshold that no membrane of these networks is at
READERS: dict[str, Callable[[nir.NIRGraph], nn.Module]] = {
    "norse": lambda graph: from_nir(graph, dt=TOOL_DT, ignore_warnings=True),
    "snntorch": snntorch_from_nir,
    "spikingjelly": lambda graph: spikingjelly_from_nir(graph, dt=TOOL_DT),
}
KINDS = {"lif": lif, "cuba": cuba, "if": lambda rng, n: nir.IF(np.full(n, 1 / DT), np.ones(n), np.zeros(n))}


def stepped(net: nn.Module, inputs: np.ndarray) -> np.ndarray:
    """Return what a network makes of inputs (T, *shape), where it takes a state and returns the next one."""
    state, made = None, []
    with torch.no_grad():
        for values in torch.tensor(inputs, dtype=torch.float32):
            output, state = net(values[None], state)
            made.append(output.numpy().reshape(-1))  # Norse and snnTorch flatten the batch, too
    return np.array(made)


def source(path: Path, kind: str) -> tuple[Path, np.ndarray]:
    """Return a file, and inputs for it."""
    rng = np.random.default_rng(3)
    if kind == "conv":
        pool = nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0]))
        nodes = [conv(rng, 3, 2, 3, 3, padding=(1, 1)), lif(rng, 3, 4, 4), pool,
                 nir.Flatten({"input": np.array([3, 2, 2])}, 0, -1), nir.Affine(weights(rng, 5, 12), np.zeros(5)),
                 lif(rng, 5)]  # fmt: skip
        return chain(path, *nodes, shape=(2, 4, 4)), spikes(rng, 2, 4, 4)
    if kind.startswith("recurrent"):
        nodes = {"in": nir.Input(np.array([5])), "fc": nir.Affine(weights(rng, 4, 5), weights(rng, 4) / 8),
                 "n": KINDS[kind.partition(" ")[2]](rng, 4), "w": nir.Linear(weights(rng, 4, 4)),
                 "out": nir.Output(np.array([4]))}  # fmt: skip
        return write(path, nodes, "in fc n out", "n w n"), spikes(rng, 5)
    make = KINDS[kind]
    first, last = nir.Affine(weights(rng, 8, 5), weights(rng, 8) / 4), nir.Linear(weights(rng, 4, 8))
    return chain(path, first, make(rng, 8), last, make(rng, 4), shape=(5,)), spikes(rng, 5)


def exported(path: Path, kind: str, reset: str) -> tuple[np.ndarray, np.ndarray, nir.NIRGraph]:
    """Return inputs, the golden model's spikes, and the network exported and read again."""
    file, inputs = source(path / "net.nir", kind)
    network = snn2rtl.compile(file, dt=DT, reset=reset, quantize=NARROW).network  # type: ignore[arg-type]
    ours.write(ours.to_graph(network, TOOL_DT).graph, path / "out.nir")
    events = inputs.reshape(STEPS, 1, -1).astype(np.uint8)
    wanted = reference.run(network, events).traces[network.output.name].spikes[:, 0]
    assert 0 < wanted.mean() < 1
    return inputs, wanted, nir.read(path / "out.nir")


# snnTorch makes a leak of IF, and cannot run the loops that it reads
NETS = (*KINDS, "conv", "recurrent lif", "recurrent cuba")
TRIED = [(tool, kind) for tool in READERS for kind in NETS
         if tool != "snntorch" or not kind.startswith(("if", "recurrent"))]  # fmt: skip


@pytest.mark.parametrize(("tool", "kind"), TRIED)
def test_other_tools_make_our_spikes(tool: str, kind: str, tmp_path: Path) -> None:
    inputs, wanted, graph = exported(tmp_path, kind, "hard")
    assert np.array_equal(stepped(READERS[tool](graph), inputs), wanted)


def test_norse_makes_our_spikes_of_a_soft_reset(tmp_path: Path) -> None:
    inputs, wanted, graph = exported(tmp_path, "cuba", "soft")
    assert np.array_equal(stepped(from_nir(graph, dt=TOOL_DT, reset_method=reset_subtract), inputs), wanted)


def dyadic(net: nn.Module) -> nn.Module:
    """Give a network weights of sixteenths."""
    rng = np.random.default_rng(9)
    for parameter in net.parameters():
        if parameter.ndim:
            parameter.data = torch.tensor(weights(rng, *parameter.shape), dtype=torch.float32)
    return net


SPIKINGJELLY = {
    "lif": (lambda: [neuron.LIFNode(tau=4.0, v_threshold=OFF_GRID)], (6,)),
    "lif, not decayed": (lambda: [neuron.LIFNode(tau=4.0, decay_input=False, v_threshold=OFF_GRID)], (6,)),
    "lif at rest of 0.5": (lambda: [neuron.LIFNode(tau=2.0, v_reset=0.5, v_threshold=OFF_GRID)], (6,)),
    "plif": (lambda: [neuron.ParametricLIFNode(init_tau=2.0, v_threshold=OFF_GRID)], (6,)),
    "if": (lambda: [neuron.IFNode(v_threshold=OFF_GRID)], (6,)),
    "conv": (lambda: [neuron.IFNode(v_threshold=OFF_GRID), layer.AvgPool2d(2), layer.Conv2d(3, 2, 3, padding=1),
                      neuron.LIFNode(tau=2.0, v_threshold=OFF_GRID), layer.Flatten(), layer.Linear(8, 6),
                      neuron.IFNode(v_threshold=OFF_GRID)], (2, 4, 4)),
}  # fmt: skip


@pytest.mark.parametrize("kind", SPIKINGJELLY)
def test_files_of_spikingjelly(kind: str, tmp_path: Path) -> None:
    """Thresholds lie between what membranes can be: SpikingJelly fires at its threshold, its file says above it."""
    make, shape = SPIKINGJELLY[kind]
    first = layer.Linear(6, 5) if len(shape) == 1 else layer.Conv2d(2, 3, 3, padding=1)
    net = dyadic(nn.Sequential(first, *make()))
    for module in net.modules():
        if isinstance(module, neuron.ParametricLIFNode):
            module.w.data.zero_()  # of which tau is 2
    spikingjelly_to_nir(net, torch.zeros(1, *shape), tmp_path / "net.nir", dt=TOOL_DT)
    functional.reset_net(net)
    inputs = spikes(np.random.default_rng(1), *shape)
    made = golden(tmp_path / "net.nir", inputs, dt=TOOL_DT, reset="hard")
    with torch.no_grad():
        wanted = np.array([net(torch.tensor(x[None], dtype=torch.float32)).numpy()[0] for x in inputs])
    assert 0 < wanted.mean() < 1
    assert np.array_equal(made, wanted)


@pytest.mark.parametrize("tool", READERS)
def test_a_float_network_at_its_thresholds(tool: str, tmp_path: Path) -> None:
    """SpikingJelly fires at the threshold, and so do others with a number of float32 that is next below it."""
    net = dyadic(nn.Sequential(layer.Linear(6, 8), neuron.LIFNode(tau=2.0, decay_input=False), layer.Linear(8, 5),
                               neuron.LIFNode(tau=4.0, v_reset=-0.5)))  # fmt: skip
    made = ours.to_graph(fold(from_module(net)), TOOL_DT)
    ours.write(made.graph, tmp_path / "net.nir")
    inputs = spikes(np.random.default_rng(5), 6)
    with torch.no_grad():
        wanted = np.array([net(torch.tensor(x[None], dtype=torch.float32)).numpy()[0] for x in inputs])
    assert 0 < wanted.mean() < 1
    assert np.array_equal(stepped(READERS[tool](nir.read(tmp_path / "net.nir")), inputs), wanted)


def leaky(kind: type, **changes: object) -> nn.Module:
    """Return neurons of snnTorch; parameters of one number have no shape, which nir refuses behind a Linear."""
    values = {"beta": torch.full((5,), 0.5), "threshold": torch.ones(5), "init_hidden": True, "reset_delay": False}
    return kind(**{**values, **changes})


SNNTORCH = {
    "leaky": lambda: leaky(snntorch.Leaky),
    "leaky, stepped": lambda: leaky(snntorch.Leaky, reset_mechanism="subtract"),
    "leaky, late": lambda: leaky(snntorch.Leaky, reset_mechanism="subtract", reset_delay=True),
    "leaky, none": lambda: leaky(snntorch.Leaky, reset_mechanism="none"),
    "synaptic": lambda: leaky(snntorch.Synaptic, alpha=torch.full((5,), 0.75)),
    "recurrent": lambda: leaky(snntorch.RLeaky, linear_features=5),
    "recurrent, one to one": lambda: leaky(snntorch.RLeaky, all_to_all=False, V=torch.tensor([0.5, 0.25, 1, -1, 0])),
}


@pytest.mark.parametrize("kind", SNNTORCH)
def test_files_of_snntorch(kind: str, tmp_path: Path) -> None:
    neurons = SNNTORCH[kind]()
    reset = kind.rpartition(" ")[2] if "leaky, " in kind else "hard"
    if reset == "hard":
        neurons.reset_mechanism = "zero"
    net = dyadic(nn.Sequential(nn.Linear(6, 5), neurons))
    nir.write(tmp_path / "net.nir", export_to_nir(net, torch.zeros(6)))
    neurons.reset_mem()
    inputs = spikes(np.random.default_rng(2), 6)
    made = golden(tmp_path / "net.nir", inputs, dt=TOOL_DT, reset=reset)
    with torch.no_grad():
        wanted = np.array([net(torch.tensor(x[None], dtype=torch.float32)).numpy()[0] for x in inputs])
    assert 0 < wanted.mean() < 1
    assert np.array_equal(made, wanted)


def test_files_of_norse(tmp_path: Path) -> None:
    """Norse 1.1 writes dt / tau_mem_inv for a time constant: its files are right with a step of dt * dt."""
    values = {"tau_mem_inv": torch.full((5,), 2.0**8), "v_leak": torch.zeros(5), "v_th": torch.ones(5)}
    net = dyadic(SequentialState(nn.Linear(6, 5), LIFBoxCell(LIFBoxParameters(**values), dt=DT)))
    nir.write(tmp_path / "net.nir", to_nir(net, torch.zeros(6), dt=DT))
    inputs = spikes(np.random.default_rng(2), 6) * 2
    made = golden(tmp_path / "net.nir", inputs, dt=DT * DT, reset="hard")
    wanted = stepped(net, inputs)
    assert 0 < wanted.mean() < 1
    assert np.array_equal(made, wanted)


def test_what_sinabs_writes(tmp_path: Path) -> None:
    """As sinabs 3.1 does (nir.py): r = 1 for neurons without a leak, no v_reset, a Flatten without an input type."""
    rng = np.random.default_rng(4)
    nodes = {
        "input": nir.Input(np.array([2, 6, 6])),
        "0": nir.Conv2d((6, 6), weights(rng, 3, 2, 3, 3), (1, 1), (1, 1), (1, 1), 1, np.zeros(3)),
        "1": nir.IF(np.ones((3, 6, 6)), np.ones((3, 6, 6))),
        "2": nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
        "3": nir.Flatten({"input": np.array([3, 3, 3])}, 0, -1),
        "4": nir.Affine(weights(rng, 5, 27), np.zeros(5)),
        "5": nir.IF(np.ones(5), np.ones(5)),
        "output": nir.Output(np.array([5])),
    }
    names = list(nodes)
    graph = nir.NIRGraph(nodes, list(pairwise(names)))
    nir.write(tmp_path / "net.nir", graph)
    inputs = spikes(rng, 2, 6, 6)
    made = golden(tmp_path / "net.nir", inputs, reset="soft", integrate="step")
    net = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.Identity(), nn.LPPool2d(1, 2), nn.Flatten(), nn.Linear(27, 5))
    for name, at in (("0", 0), ("4", 4)):
        net[at].weight.data = torch.tensor(nodes[name].weight, dtype=torch.float32)
        net[at].bias.data.zero_()
    states = [torch.zeros(1, 3, 6, 6), torch.zeros(1, 5)]
    for step in range(STEPS):
        x = torch.tensor(inputs[step][None], dtype=torch.float32)
        with torch.no_grad():
            for index, part in enumerate((net[:1], net[2:])):
                states[index] = states[index] + part(x)
                x = (states[index] > 1).float()
                states[index] = states[index] - x
        assert np.array_equal(made[step], x[0].numpy())
