import re

import numpy as np
import pytest

from snn2rtl.encoders import Encoder
from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.network import SpikingNetwork, from_dict, to_dict
from snn2rtl.float_net.nodes import BatchNorm, Dropout, Flatten, Integrator, Linear, Neuron


def fc(name: str = "fc", inputs: int = 2, outputs: int = 3, **changes) -> Linear:
    values = {"name": name, "weight": np.ones((outputs, inputs)), "bias": np.zeros(outputs)}
    return Linear(**{**values, **changes})


def norm(name: str = "bn", neurons: int = 3, **changes) -> BatchNorm:
    one = np.ones(neurons)
    values = {"name": name, "mean": one, "variance": one, "epsilon": 0.0, "gamma": one, "beta": one}
    return BatchNorm(**{**values, **changes})


def lif(name: str = "lif", **changes) -> Neuron:
    return Neuron(**{"name": name, "tau": 2.0, "v_threshold": 1.0, "v_reset": 0.0, **changes})


def li(**changes) -> Integrator:
    return Integrator(**{"name": "li", "tau": 2.0, "score": "max", **changes})


BAD = [
    ([lif()], "network: must have at least one Linear layer, not none"),
    ([fc(), fc("lif", 3), lif()], "layer 'lif': name must be unique, not used 2 times"),
    ([fc(weight=[[np.nan, np.inf]], bias=[0])], "layer 'fc': weight must be finite, not 2 NaN or infinite value(s)"),
    ([fc(weight=np.ones(3))], "layer 'fc': weight must have shape (out, in), not (3,)"),
    ([fc(weight=np.ones((0, 3)))], "layer 'fc': weight must have shape (out, in), not (0, 3)"),
    ([fc(bias=np.ones(2))], "layer 'fc': bias must have shape (3,), not (2,)"),
    ([fc(step=np.ones(2))], "layer 'fc': step must have shape (3,), not (2,)"),
    ([fc(step=[1.0, 0.0, 2.0])], "layer 'fc': step must be positive, not 0.0"),
    ([fc(step=[1.0, np.nan, 2.0])], "layer 'fc': step must be finite, not 1 NaN or infinite value(s)"),
    ([fc(), norm(beta=np.ones(2))], "layer 'bn': mean, variance, gamma and beta must have one shape (neurons,)"),
    ([fc(), norm(neurons=(3, 1))], "layer 'bn': mean, variance, gamma and beta must have one shape (neurons,)"),
    ([fc(), norm(variance=[1, 0, 1])], "layer 'bn': variance + epsilon must be positive"),
    ([fc(), norm(epsilon=float("nan"))], "layer 'bn': epsilon must be finite, not 1 NaN or infinite value(s)"),
    ([fc(), lif(tau=0.5)], "layer 'lif': tau must be at least 1, not 0.5"),
    ([fc(), lif(tau=float("inf"))], "layer 'lif': tau must be finite, not 1 NaN or infinite value(s)"),
    ([fc(), lif(v_reset=float("-inf"))], "layer 'lif': v_reset must be finite, not 1 NaN or infinite value(s)"),
    ([fc(), lif(), fc("fc2", 4)], "layer 'fc2': must take 3 inputs from 'fc', not 4"),
    ([fc(), norm(neurons=4)], "layer 'bn': must take 3 inputs from 'fc', not 4"),
    ([fc(recurrent=np.ones((3, 2)))], "layer 'fc': recurrent must have shape (3, 3), not (3, 2)"),
    ([fc(recurrent=np.full((3, 3), np.nan))], "layer 'fc': recurrent must be finite, not 9 NaN or infinite value(s)"),
    ([fc(delay=np.ones(3, int))], "layer 'fc': delay must have shape (2,), not (3,)"),
    ([fc(delay=[0.5, 1.0])], "layer 'fc': delay must hold whole time steps, not float64"),
    ([fc(delay=[0, 64])], "layer 'fc': delay must be 0..63 time steps, not 0..64"),
    ([fc(delay=[-1, 2])], "layer 'fc': delay must be 0..63 time steps, not -1..2"),
    ([fc(), lif(tau=[2.0, 0.5, 2.0])], "layer 'lif': tau must be at least 1, not 0.5"),
    ([fc(), lif(tau=[2.0, 2.0])], "layer 'lif': tau must have shape (3,), not (2,)"),
    ([fc(), lif(synapse_tau=0.5)], "layer 'lif': synapse_tau must be at least 1, not 0.5"),
    ([fc(), lif(grow=1.0)], "layer 'lif': grow must come with adaptation_tau, which is missing"),
    ([fc(), lif(adaptation_tau=2.0)], "layer 'lif': adaptation_tau must come with grow, which is missing"),
    ([fc(), lif(grow=[1, -1, 0], adaptation_tau=2)], "layer 'lif': grow must be at least 0, not -1.0"),
    ([fc(), lif(grow=1, adaptation_tau=[2.0])], "layer 'lif': adaptation_tau must have shape (3,), not (1,)"),
    (
        [fc(), lif(grow=1, adaptation_tau=2, synapse_tau=2)],
        "layer 'lif': neuron must have a synaptic current or an adaptation, not both",
    ),
    ([fc(), li(score="mean")], "layer 'li': score must be max, last or sum, not 'mean'"),
    ([fc(), li(tau=0.0)], "layer 'li': tau must be at least 1, not 0.0"),
    ([fc(), li(synapse_tau=np.ones((3, 1)))], "layer 'li': synapse_tau must have shape (3,), not (3, 1)"),
    ([fc(), li(), fc("fc2", 3), lif()], "layer 'li': an Integrator must be the last layer, for it never fires"),
]


@pytest.mark.parametrize(("nodes", "message"), BAD)
def test_invalid_networks_cannot_be_built(nodes, message):
    with pytest.raises(UnsupportedModelError, match=rf"^{re.escape(message)}$"):
        SpikingNetwork(name="net", nodes=tuple(nodes))


def test_all_problems_are_named_at_once():
    nodes = (
        fc(bias=[np.nan] * 3),
        lif(tau=0.0, v_threshold=float("nan")),
        fc("fc2", 9),
        norm("fc2", variance=[-1.0] * 3),
    )
    with pytest.raises(UnsupportedModelError) as caught:
        SpikingNetwork(name="net", nodes=nodes)
    assert caught.value.problems == (
        "layer 'fc': bias must be finite, not 3 NaN or infinite value(s)",
        "layer 'lif': v_threshold must be finite, not 1 NaN or infinite value(s)",
        "layer 'lif': tau must be at least 1, not 0.0",
        "layer 'fc2': variance + epsilon must be positive",
        "layer 'fc2': name must be unique, not used 2 times",
    )


def test_arrays_are_frozen_copies():
    weight = np.ones((3, 2))
    view = weight[:]
    view.setflags(write=False)
    nodes = [fc(weight=weight), fc(weight=view)]
    weight[:] = 7
    for node in nodes:
        assert np.array_equal(node.weight, np.ones((3, 2)))
        assert not node.weight.flags.writeable
    assert fc(weight=nodes[0].weight).weight is nodes[0].weight


def test_dictionary_round_trip():
    network = SpikingNetwork(
        name="net",
        nodes=(Flatten(name="f"), fc(step=[1, 2, 3]), norm(), Dropout(name="d"), lif(v_reset=None, tau=None)),
        encoder=Encoder.poisson(10, 0.5),
    )
    data = to_dict(network)
    again = from_dict(data)
    assert (again.name, again.encoder, again.num_inputs) == ("net", network.encoder, 2)
    for ours, theirs in zip(to_dict(again)["nodes"], data["nodes"], strict=True):
        assert ours.keys() == theirs.keys()
        assert all(np.array_equal(ours[key], theirs[key]) for key in ours)
    assert from_dict({**data, "encoder": None}).encoder is None


def test_round_trip_of_temporal_nodes():
    nodes = (
        fc(recurrent=np.eye(3), delay=[0, 63], step=[1, 2, 4]),
        lif(tau=[1.0, 2.0, 3.0], grow=[0, 1, 2], adaptation_tau=4.0, strict=True),
        fc("fc2", 3),
        lif(name="lif2", synapse_tau=[1.0, 2.0, 4.0], decay_input=True),
        fc("fc3", 3),
        li(score="sum", tau=None, synapse_tau=2.0, decay_input=True),
    )
    data = to_dict(SpikingNetwork(name="net", nodes=nodes))
    for ours, theirs in zip(from_dict(data).nodes, nodes, strict=True):
        assert type(ours) is type(theirs)
        assert all(np.array_equal(value, vars(theirs)[key]) for key, value in vars(ours).items())


def test_a_network_without_optional_values_is_described_as_before_there_were_any():
    first, second = to_dict(SpikingNetwork(name="net", nodes=(fc(), lif())))["nodes"]
    assert sorted(first) == ["bias", "name", "type", "weight"]
    assert sorted(second) == ["name", "tau", "type", "v_reset", "v_threshold"]


def test_an_integrator_may_stand_before_what_does_nothing():
    assert SpikingNetwork(name="net", nodes=(fc(), li(), Flatten(name="f"))).num_inputs == 2
