"""Classes that are groups of integrators: their scores add up, exactly, as behind SpikingJelly's VotingLayer."""

from pathlib import Path

import naive
import numpy as np
import pytest
import torch
from networks import chain, dense, random_spikes
from spikingjelly.activation_based import functional, layer, neuron
from torch import nn

from snn2rtl.api import compile
from snn2rtl.compiler import compile_network, fold
from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.reference import scores
from snn2rtl.frontend import from_module
from snn2rtl.int_net import network_file, reference
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.neurons import Integrator, Score, ShiftLeak
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.rtl.blocks import GroupSum
from snn2rtl.rtl.plan import plan

STEPS, SAMPLES, GROUP = 5, 20, 4


def integrators(score: Score, score_bits: int = 14) -> FixedPointNetwork:
    """Return a network of 12 integrators, three classes of four."""
    random = np.random.default_rng(1)
    neuron = Integrator(neurons=12, leak=ShiftLeak(2), membrane_bits=9, score=score, score_bits=score_bits)
    first = dense(random.integers(-3, 6, (6, 5)), 4)
    network = chain(first, dense(random.integers(-60, 70, (12, 6)), neuron))
    return FixedPointNetwork(name="net", input=network.input, nodes=network.nodes, count_bits=1, group=GROUP)


@pytest.mark.parametrize(("score", "bits"), [(Score.SUM, 14), (Score.SUM, 9), (Score.LAST, 9)])
def test_the_golden_model_is_the_definition(score: Score, bits: int) -> None:
    """A score saturates by itself, a group's sum of scores never."""
    network = integrators(score, bits)
    spikes = random_spikes(network, STEPS, SAMPLES)
    result = reference.run(network, spikes)
    for n in range(SAMPLES):
        _, _, counts, winner = naive.run_sample(network, spikes[:, n].tolist())
        assert (result.counts[n].tolist(), result.classes[n]) == (counts, winner)
    if bits == 9:
        assert (np.abs(result.counts) > 255).any()
        assert network.readout_bits == 11


def test_hardware_sums_scores_before_it_compares_them(tmp_path: Path) -> None:
    design = plan(integrators(Score.SUM))
    assert design.blocks[-1] == GroupSum("fc2", "fc2__class", GROUP, 14, 16)
    assert (design.result_stream, design.count_width, design.num_classes) == ("fc2__class", 16, 3)
    network_file.save(integrators(Score.SUM), tmp_path / "net.npz")
    assert network_file.load(tmp_path / "net.npz").group == GROUP


def spikingjelly(decode: str) -> nn.Sequential:
    random = np.random.default_rng(2)
    node = neuron.NonSpikingLIFNode(4.0, decode)
    net = nn.Sequential(layer.Linear(5, 6), neuron.IFNode(step_mode="m"), layer.Linear(6, 12), node,
                        layer.VotingLayer(GROUP)).eval()  # fmt: skip
    with torch.no_grad():
        for linear in (net[0], net[2]):
            linear.weight.copy_(torch.tensor(random.integers(-4, 7, linear.weight.shape) / 4))
            linear.bias.copy_(torch.tensor(random.integers(-4, 7, linear.bias.shape) / 4))
    return net


@pytest.mark.parametrize("decode", ["mean-mem", "last_mem"])
def test_every_score_is_that_of_spikingjelly(decode: str) -> None:
    """Dyadic numbers: the integers are the means of votes, times group, steps and one over the membrane step."""
    net = spikingjelly(decode)
    network = from_module(net)
    options = QuantizeOptions(bits=PerLayer(10), membrane_fraction=PerLayer(2 * STEPS), time_steps=STEPS, strict=True)
    integer, (_, report) = compile_network(network, options)
    assert (integer.group, integer.num_classes) == (GROUP, 3)
    spikes = random_spikes(integer, STEPS, SAMPLES)
    functional.reset_net(net)
    with torch.no_grad():
        votes = net(torch.tensor(spikes).float()).numpy().astype(np.float64)
    times = GROUP * (STEPS if decode == "mean-mem" else 1) * 2.0 ** (2 * STEPS) / report.scale_min
    found = reference.run(integer, spikes).counts
    assert np.array_equal(found, np.rint(votes * times))
    assert np.allclose(votes * times, found, atol=1e-2)
    assert len(np.unique(found)) > SAMPLES
    assert np.array_equal(scores(fold(network), spikes).argmax(axis=1), found.argmax(axis=1))


def test_a_vote_in_each_step_of_a_forward() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts, self.vote = spikingjelly("last_mem")[:-2], layer.VotingLayer(GROUP)
            self.out = neuron.NonSpikingIFNode()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.stack([self.vote(membrane) for membrane in self.out(self.parts(x))])[-1]

    compiled = compile(Net().eval(), example_input=torch.rand(STEPS, 2, 5))
    assert (compiled.network.group, compiled.network.output.neuron.score) == (GROUP, Score.LAST)


def test_a_vote_of_greatest_membranes_is_refused_by_name() -> None:
    """Whether the vote comes before the greatest or after it, a graph of one step does not say."""
    network = from_module(spikingjelly("max-mem"))
    with pytest.raises(UnsupportedModelError, match="must not be read by its greatest membrane"):
        compile_network(network)
    assert compile_network(network, QuantizeOptions(readout="sum"))[0].group == GROUP
