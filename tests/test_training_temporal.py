"""The network of quantization-aware training on spoken digits is the integer network, spike for spike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from shd_runs import SHD, small
from torch import Tensor

from snn2rtl import frontend
from snn2rtl.compiler import compile_network, fold
from snn2rtl.data.shd import EXCERPT
from snn2rtl.float_net import reference as float_reference
from snn2rtl.int_net import reference
from snn2rtl.int_net.chain import layers_of
from snn2rtl.int_net.neurons import MultiplierLeak, ShiftLeak
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.training.layers import FiringLayer
from snn2rtl.training.leaks import NeuronLeaks
from snn2rtl.training.network import TrainableNetwork
from snn2rtl.training.run import Run
from snn2rtl.training.tasks.shd import ShdConfig
from snn2rtl.training.trainer import CHECKPOINT, MODEL, Files, train_network

NETWORKS: dict[str, dict[str, Any]] = {
    "lif": {"neuron": "lif"},
    "lif, soft": {"neuron": "lif", "reset": "soft", "readout": "last"},
    "current": {"readout": "max"},
    "adaptive": {"neuron": "adaptive"},
    "adaptive, soft, recurrent": {"neuron": "adaptive", "reset": "soft", "recurrent": True, "readout": "max"},
    "current, recurrent": {"recurrent": True},
    "current, delays": {"delays": 12},
    "adaptive, recurrent, delays": {"neuron": "adaptive", "recurrent": True, "delays": 5, "readout": "last"},
    "current, soft, recurrent, delays": {"reset": "soft", "recurrent": True, "delays": 9},
    "shifts": {"leak": "shift", "recurrent": True},
    "adaptive shifts": {"leak": "shift", "neuron": "adaptive"},
    "coarse leaks": {"leak_bits": 4},
    "long time constants": {"tau_max": 200.0, "synapse_tau_max": 100.0, "readout_tau": 128.0},
    "coarse membranes": {"membrane_fraction": 1, "recurrent": True},
    "one layer": {"hidden": (20,), "delays": 3},
}


def network(config: ShdConfig, seed: int = 0) -> TrainableNetwork:
    """Return a network with biases and norms that have seen something, in which neurons of all layers spike."""
    torch.manual_seed(seed)
    net = SHD.build(config)
    for layer in net.layers:
        assert layer.synapses.bias is not None
        layer.synapses.bias.data.uniform_(-0.05, 0.1)
        if layer.norm is not None:
            layer.norm.momentum = 1.0
    net(inputs(config, 20), config.time_steps)
    return net.eval()


def inputs(config: ShdConfig, samples: int = 5) -> Tensor:
    return (torch.rand(config.time_steps, samples, config.channels) < 0.15).float()


def integer(net: TrainableNetwork, path: Path, bits: int, steps: int, fraction: int = -1) -> Any:
    """Return what compile makes of the model file, which is no approximation but for the floors of leaks."""
    SHD.export(net, small(), path)
    options = QuantizeOptions(bits=PerLayer(bits), time_steps=steps, membrane_fraction=PerLayer(fraction))
    compiled, reports = compile_network(frontend.load(path), options)
    for report in reports:
        assert report.weight_error == report.bias_error == report.threshold_error == 0
    return compiled


@pytest.mark.parametrize("case", NETWORKS)
@pytest.mark.parametrize("bits", [3, 8])
def test_every_spike_and_score_is_that_of_the_golden_model(tmp_path: Path, case: str, bits: int) -> None:
    config = small(**NETWORKS[case])
    net = network(config)
    net.quantize(bits)
    x = inputs(config)
    with torch.no_grad():
        output = net(x, len(x))
    compiled = integer(net, tmp_path / "m.pt", bits, len(x), config.membrane_fraction)
    golden = reference.run(compiled, x.numpy().astype(np.uint8))
    for layer, trace in zip(net.layers[:-1], golden.in_order, strict=False):
        spikes = output.spikes[layer.name].numpy()
        assert 0.01 < spikes.mean() < 0.7
        assert np.array_equal(spikes, trace.spikes)
    scores, counts = output.scores.numpy(), golden.counts
    assert np.array_equal(np.argsort(scores, axis=1, kind="stable"), np.argsort(counts, axis=1, kind="stable"))
    largest = np.abs(counts).argmax()
    np.testing.assert_allclose(scores * (counts.flat[largest] / scores.flat[largest]), counts, rtol=1e-9)


def test_real_recordings_fire_the_same_spikes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After some learning in integers, on the recordings of examples/shd."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for split in ("train", "test"):
        (tmp_path / f"shd_{split}.h5.gz").symlink_to(EXCERPT)
    options = {"hidden": (24, 16), "recurrent": True, "delays": 20, "bits": 5, "epochs": 2, "batch_size": 50}
    config = ShdConfig(**options, sparsity=0.3)
    results = train_network(config, Files(out=tmp_path / "run", data=tmp_path), quiet=True)
    net, test = Run.load(tmp_path / "run" / CHECKPOINT).net.eval(), SHD.splits(config, tmp_path, "cpu").evaluation
    compiled, _ = compile_network(frontend.load(tmp_path / "run" / MODEL), config.quantizing())
    x = test.evaluation_batch(config, 0).x
    golden = reference.run(compiled, x.numpy().astype(np.uint8))
    with torch.no_grad():
        output = net(x, len(x))
    for layer, after, trace in zip(net.layers[:-1], net.layers[1:], golden.in_order, strict=False):
        read = after.synapses.weight_mask[:, : after.synapses.inputs].any(0).numpy()  # others are not built
        spikes = output.spikes[layer.name].numpy()
        assert spikes.mean() > 0.005
        assert np.array_equal(spikes[..., read], trace.spikes[..., read])
    assert np.array_equal(output.scores.argmax(1).numpy(), golden.classes)
    assert results["accuracy"] == pytest.approx(100 * np.mean(golden.classes == test.labels.numpy()))


def test_membranes_far_beyond_a_float_are_exact(tmp_path: Path) -> None:
    """A bias of 60 thresholds below makes membranes of more bits than a float32 has."""
    config = small(tau_min=100.0, tau_max=200.0, synapse_tau_min=30.0, synapse_tau_max=60.0, hidden=(14,))
    net = network(config)
    net.layers[0].synapses.bias.data[:7] = -61.3  # type: ignore[union-attr]
    net.quantize(8)
    x = inputs(config)
    golden = reference.run(
        integer(net, tmp_path / "m.pt", 8, len(x)), x.numpy().astype(np.uint8), record_membranes=True
    )
    with torch.no_grad():
        spikes = net(x, len(x)).spikes["1"].numpy()
    assert golden.in_order[0].membranes is not None
    assert np.abs(golden.in_order[0].membranes).max() > 2**24
    assert np.array_equal(spikes, golden.in_order[0].spikes)


@pytest.mark.parametrize("case", NETWORKS)
def test_the_float_network_is_the_one_that_was_trained(tmp_path: Path, case: str) -> None:
    config = small(**NETWORKS[case])
    net, x = network(config).double(), inputs(config).double()
    SHD.export(net, config, tmp_path / "m.pt")
    exported = fold(frontend.load(tmp_path / "m.pt"))
    with torch.no_grad():
        output = net(x, len(x))
    traces = float_reference.run(exported, x.numpy().astype(np.uint8), np.float64)
    for layer, trace in zip(net.layers[:-1], traces.values(), strict=False):
        assert np.array_equal(output.spikes[layer.name].numpy(), trace.spikes)
    scores = float_reference.scores(exported, x.numpy().astype(np.uint8))
    factor = len(x) if config.readout == "sum" else 1
    np.testing.assert_allclose(output.scores.numpy() * factor, scores, rtol=1e-3, atol=1e-3)


def test_leaks_are_those_that_were_asked_for(tmp_path: Path) -> None:
    for leak, kind in (("multiplier", MultiplierLeak), ("shift", ShiftLeak)):
        net = network(small(leak=leak))
        net.quantize(4)
        compiled = integer(net, tmp_path / "m.pt", 4, 28)
        assert isinstance(layers_of(compiled)[0].neuron.leak, kind)
        assert isinstance(layers_of(compiled)[0].neuron.synapse_leak, kind)


@pytest.mark.parametrize("shift", [False, True])
def test_a_leak_keeps_what_hardware_can_keep(shift: bool) -> None:
    tau = torch.tensor([1.001, 1.5, 2.0, 3.7, 16.0, 24.0, 300.0, 1e6])
    leak = NeuronLeaks(tau, shift=shift, learn=True)
    kept = leak()
    assert np.array_equal(kept.detach().double().numpy(), 1 - leak.taken())
    assert ((kept.detach() * 256) % 1 == 0).all()
    assert kept.max() < 1
    assert kept.min() > 0
    if shift:
        assert leak.tau().tolist() == [2, 2, 2, 4, 16, 32, 256, 256]
    kept.sum().backward()
    exact = torch.sigmoid(leak.logit)
    torch.testing.assert_close(leak.logit.grad, (exact * (1 - exact)).detach())


def test_adaptation_steps_are_never_negative() -> None:
    layer = network(small(neuron="adaptive")).layers[0]
    assert isinstance(layer, FiringLayer)
    assert layer.adaptation_step is not None
    layer.adaptation_step.data[:3] = -0.5
    step = layer.scaled_adaptation_step(torch.ones(14))
    assert step is not None
    assert step.min() == 0
