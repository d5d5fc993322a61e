"""Random torch modules, traced, lowered, folded and quantized: every spike of every neuron is the module's."""

from collections import Counter

import numpy as np
import pytest
import torch
from random_modules import RandomNet
from run_steps import run_neurons, spikes
from spikingjelly.activation_based import neuron
from torch import nn

from snn2rtl.compiler import fold
from snn2rtl.errors import UnsupportedModelError
from snn2rtl.frontend import from_module
from snn2rtl.int_net import reference
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.passes.quantize import quantize_network

NETWORKS, BATCH = 200, 20
STEPS, SAMPLES = 4, 6
OPTIONS = QuantizeOptions(
    bits=PerLayer(16), scale="layer", membrane_fraction=PerLayer(14), time_steps=STEPS, strict=True
)


@pytest.mark.parametrize("first", range(0, NETWORKS, BATCH))
def test_every_spike_is_the_module_s(first):
    lively = 0
    for seed in range(first, first + BATCH):
        net = RandomNet(seed)
        x = spikes(STEPS, SAMPLES, *net.shape, seed=seed)
        layered = fold(from_module(net, example_input=x[:2]))
        integer, _ = quantize_network(layered, OPTIONS)
        result = reference.run(integer, x.flatten(2).numpy().astype(np.uint8))
        out, wanted = run_neurons(net, x, in_steps=False)
        for one in layered.layers:
            if one.neuron.name in wanted:
                found = result.traces[one.name].spikes
                assert np.array_equal(found, wanted.pop(one.neuron.name)[0].numpy()), (seed, one.name)
        assert not wanted, (seed, wanted.keys())
        assert np.array_equal(result.counts, out.sum(0).numpy()), seed
        lively += 0 < result.counts.sum() < STEPS * result.counts.size
    assert lively >= BATCH * 0.5


LEAST = {
    "input": NETWORKS, "Linear": NETWORKS, "cat": NETWORKS, "neurons": 150, "flatten": 130, "currents": 65,
    "recurrent": 55, "Conv1d": 35, "Conv2d": 50, "BatchNorm1d": 120, "BatchNorm2d": 35, "max pool": 45,
    "average pool": 45, "sum": 12, "and": 12, "iand": 20, "step mode s": 80, "step mode m": 80,
    "1 axes": 45, "2 axes": 50, "3 axes": 65,
}  # fmt: skip


def test_the_modules_have_everything():
    seen: Counter[str] = Counter()
    for seed in range(NETWORKS):
        net = RandomNet(seed)
        seen.update(net.names() | {f"step mode {net.mode}", f"{len(net.shape)} axes"})
    assert seen.keys() == LEAST.keys()
    assert all(seen[name] >= least for name, least in LEAST.items()), seen


def test_a_gate_of_a_concatenation_is_refused():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.lif = nn.Linear(3, 6), neuron.IFNode()

        def forward(self, x):
            return self.lif(self.fc(x)) * torch.cat((x, x), 1)

    with pytest.raises(UnsupportedModelError, match="layer 'mul': And must take spikes, not currents, counts or pix"):
        fold(from_module(Net(), example_input=spikes(SAMPLES, 3)))
