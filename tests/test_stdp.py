"""STDP: neurons against plain loops; what always comes together is found, what never does is forgotten."""

import pytest
import torch

from snn2rtl.training.stdp import StdpConfig, StdpLayer


def layer(**options) -> StdpLayer:
    return StdpLayer(StdpConfig(**{"neurons": 6, **options}), 12)


def inputs(steps: int = 20, samples: int = 30) -> torch.Tensor:
    """Return spikes in which one of three groups of four inputs fires in a step, and noise."""
    generator = torch.Generator().manual_seed(1)
    group = torch.randint(0, 3, (steps, samples), generator=generator)
    fires = torch.rand(steps, samples, 12, generator=generator)
    own = torch.arange(12) // 4 == group[..., None]
    return (fires < torch.where(own, 0.9, 0.05)).float()


def test_neurons_are_leaky_integrate_and_fire():
    net, x = layer(tau=4.0), inputs()
    net.threshold = torch.linspace(0.2, 0.6, 6)
    found = net.spikes(x)
    for j in range(6):
        membrane = torch.zeros(x.shape[1])
        for t, now in enumerate(x):
            membrane = membrane * 0.75 + now @ net.weight[j]
            fired = membrane >= net.threshold[j]
            assert torch.equal(found[t, :, j] > 0, fired)
            membrane[fired] = 0
    assert 0 < found.mean() < 1


def test_one_neuron_fires_at_a_time_where_they_compete():
    net, x = layer(), inputs()
    net.threshold = torch.full((6,), 0.2)
    together = net.spikes(x, compete=True).sum(2)
    assert together.max() == 1
    assert net.spikes(x).sum(2).max() > 1


def test_groups_of_inputs_are_found():
    net, x = layer(lr=0.3, expected=1.2, tau=1.5), inputs()
    before = net.weight.clone()
    net.balance(x, 0.1)
    for _ in range(60):
        net.learn(x)
    share = net.weight.unflatten(1, (3, 4)).sum(2)  # of each neuron, in each group
    assert share.max(1).values.min() > 0.8
    assert before.unflatten(1, (3, 4)).sum(2).max() < 0.8
    assert set(share.argmax(1).tolist()) == {0, 1, 2}
    assert torch.allclose(net.weight.sum(1), torch.ones(6))
    assert (net.weight >= 0).all()


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_balanced_neurons_fire_equally_often(rate):
    net, x = layer(), inputs(40, 60)
    net.balance(x, rate)
    rates = net.spikes(x).mean((0, 1))
    assert torch.allclose(rates, torch.full((6,), rate), atol=0.4 * rate)
