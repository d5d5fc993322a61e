import doctest
import json
import re
from dataclasses import asdict, replace

import numpy as np
import pytest
from float_layers import one_layer, quantized, random_layer
from hypothesis import given, settings
from hypothesis import strategies as st
from spikingjelly.activation_based import neuron
from torch import nn

import snn2rtl
from snn2rtl import cli, errors
from snn2rtl.compiler import compile_network
from snn2rtl.errors import StrictError
from snn2rtl.fixed_point import signed_range
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import Integrator, Linear, Neuron
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.passes.leaks import kept
from snn2rtl.passes.scale import choose_scale
from snn2rtl.report import LayerReport, LeakReport


@settings(max_examples=60)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 12),
    st.sampled_from(["neuron", "layer"]),
    st.sampled_from([None, 1.7, 2.0, 5.0]),
    st.booleans(),
)
def test_the_errors_of_the_report_are_those_of_the_network(seed, bits, scale, tau, soft):
    network = random_layer(seed, tau=tau, v_reset=None if soft else 0.0, v_threshold=0.7)
    linear = network.nodes[0]
    layer, report = quantized(network, bits=bits, scale=scale)
    others = np.stack([linear.bias, np.full(len(linear.bias), 0.7)], axis=1) * 2.0**layer.weight_shift
    step = choose_scale(linear.weight, 0.7, bits, scale == "neuron", others)
    low, high = signed_range(bits)
    exact = linear.weight / step[:, None]
    membrane = step / 2**layer.weight_shift
    assert report.weight_error == np.abs(exact - layer.weight).max()
    assert report.saturated_weights == np.sum((exact > high + 0.5) | (exact < low - 0.5))
    assert report.rounded_to_zero == np.sum((layer.weight == 0) & (linear.weight != 0))
    assert report.bias_error == pytest.approx(np.abs(linear.bias / membrane - layer.bias).max(), abs=1e-6)
    assert report.threshold_error == pytest.approx(np.abs(0.7 / membrane - layer.neuron.fire_at).max(), abs=1e-6)
    if soft:
        assert report.reset_error == pytest.approx(np.abs(0.7 / membrane - layer.neuron.reset_by).max(), abs=1e-6)
    assert report.leak_asked == (1.0 if tau is None else 1 - 1 / tau)
    assert report.leak_got == kept(layer.neuron.leak)
    assert report.membrane_bits == layer.neuron.membrane_bits
    assert report.membrane_fraction == layer.weight_shift


def plain_report() -> LayerReport:
    return quantized(one_layer([[1.0]]))[1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"dropped_steps": 1},
            "layer 'fc': the weight_step of training is not taken for 1 of 1 neurons; "
            "their weights are no multiples of it that fit 8 bits, or all neurons need one step",
        ),
        ({"saturated_weights": 1}, "layer 'fc': 1 of 1 weights saturate at 8 bits"),
        (
            {"weight_error": 0.123456, "rounded_to_zero": 1},
            "layer 'fc': weights are rounded by up to 0.123 steps, 1 of 1 to zero",
        ),
        ({"bias_error": 0.25}, "layer 'fc': bias is rounded by up to 0.25 membrane steps"),
        ({"threshold_error": 0.25}, "layer 'fc': threshold is rounded by up to 0.25 membrane steps"),
        ({"reset_error": 0.25}, "layer 'fc': reset is rounded by up to 0.25 membrane steps"),
        ({"leak_got": 0.75}, "layer 'fc': a step keeps 0.75 of the membrane, not 1"),
        ({"leak_got": 1.0, "leak_asked": 1 - 1e-9}, "layer 'fc': a step keeps 1 of the membrane, not 0.999999999"),
        (
            {"synapse_leak": LeakReport(0.1 + 0.2, 0.3)},
            "layer 'fc': a step keeps 0.29999999999999999 of the synaptic current, not 0.30000000000000004",
        ),
        ({"grow_error": 0.25}, "layer 'fc': grow is rounded by up to 0.25 membrane steps"),
        (
            {"synapse_leak": LeakReport(0.8, 0.75)},
            "layer 'fc': a step keeps 0.75 of the synaptic current, not 0.8",
        ),
        (
            {"adaptation_leak": LeakReport(0.8, 0.75)},
            "layer 'fc': a step keeps 0.75 of the adaptation, not 0.8",
        ),
        ({"adaptation_floors": True}, "layer 'fc': the leak floors the adaptation to steps of 1/1 weight step"),
        (
            {"score": "sum", "score_bits": 4, "score_high": 8},
            "layer 'fc': the score saturates at 4 bits; 100 steps can bring it to 0..8",
        ),
        (
            {"leak_floors": True, "membrane_fraction": 3},
            "layer 'fc': the leak floors the membrane to steps of 1/8 weight step",
        ),
        (
            {"membrane_low": -9, "membrane_bits": 4},
            "layer 'fc': the membrane saturates at 4 bits; 100 steps can charge it to -9..1",
        ),
        (
            {"membrane_high": 8, "membrane_bits": 4},
            "layer 'fc': the membrane saturates at 4 bits; 100 steps can charge it to 0..8",
        ),
    ],
)
def test_every_approximation_has_its_sentence_and_strict_refuses_it(changes, message):
    assert replace(plain_report(), **changes).approximations() == [message]


def test_an_exact_layer_has_no_approximation():
    assert plain_report().approximations() == []


@pytest.mark.parametrize(
    ("network", "options", "part"),
    [
        (one_layer([[0.3, 0.7]]), {}, "weights are rounded"),
        (one_layer([[1.0, 0.25]]), {"bits": 1}, "weights saturate at 1 bits"),
        (one_layer([[1.0]], [0.3]), {}, "bias is rounded"),
        (one_layer([[1.0]], v_threshold=1.5), {"bits": 2}, "threshold is rounded"),
        (one_layer([[1.0]], v_threshold=1.5, v_reset=None), {"bits": 2}, "reset is rounded"),
        (one_layer([[1.0]], tau=3.0), {}, "a step keeps 0.667969 of the membrane, not 0.666667"),
        (one_layer([[1.0]], tau=2.0), {}, "the leak floors"),
        (one_layer([[-1.0]]), {"membrane_bits": 3}, "the membrane saturates at 3 bits"),
    ],
)
def test_strict_refuses_what_it_would_report(network, options, part):
    values = {key: PerLayer(value) for key, value in options.items()}
    compile_network(network, QuantizeOptions(**values))
    with pytest.raises(StrictError, match=re.escape(part)) as caught:
        compile_network(network, QuantizeOptions(**values, strict=True))
    assert all(line.endswith(" (--strict allows no approximation)") for line in str(caught.value).splitlines())


def test_a_leak_of_256ths_is_no_approximation_whatever_its_tau_rounds_to():
    for decay in np.arange(1, 257) / 256:
        report = quantized(one_layer([[1.0]], tau=1 / float(decay)), time_steps=1)[1]
        assert (report.leak_got, report.approximations()) == (1 - decay, [])


def test_silent_neurons_are_counted():
    network = one_layer([[1.0], [-1.0], [0.0], [-1.0]], [0.0, 0.0, 0.0, 1.0])
    assert quantized(network)[1].silent_neurons == 2


def test_the_report_is_plain_values():
    lif = {"tau": [2.0, 3.0], "synapse_tau": 3.0, "v_threshold": 1.0, "v_reset": 0.0}
    nodes = (
        Linear(name="fc1", weight=np.ones((2, 2)), bias=[0.0, 0.0]),
        Neuron(name="lif1", tau=3.0, grow=[0.1, 0.2], adaptation_tau=9.0, v_threshold=1.0, v_reset=None),
        Linear(name="fc2", weight=np.ones((2, 2)), bias=[0.0, 0.0]),
        Neuron(name="lif2", **lif),
        Linear(name="fc3", weight=np.ones((2, 2)), bias=[0.0, 0.0]),
        Integrator(name="li", tau=3.0, synapse_tau=[2.0, 5.0], score="sum"),
    )
    _, reports = compile_network(SpikingNetwork(name="net", nodes=nodes))
    for report in (plain_report(), *reports):
        values = asdict(report)
        assert json.loads(json.dumps(values)) == values


def test_numbers_that_differ_do_not_look_the_same():
    assert doctest.testmod(errors).failed == 0
    assert errors.told_apart(2 / 3, 2 / 3) == ["0.666667", "0.666667"]
    assert errors.told_apart(1.0, np.nextafter(1.0, 2.0)) == ["1", "1.0000000000000002"]
    assert errors.told_apart(float("nan"), float("nan")) == ["nan", "nan"]


def test_the_table_tells_a_long_time_constant_from_none(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "250")
    snn2rtl.save(nn.Sequential(nn.Linear(2, 2), neuron.LIFNode(tau=1e9)), tmp_path / "m.pt")
    assert cli.main(["compile", str(tmp_path / "m.pt"), "--out", str(tmp_path / "net.npz")]) == 0
    printed = capsys.readouterr().out
    assert "1 for 0.999999999 " in printed
    assert "a step keeps 1 of the membrane, not 0.999999999\n" in printed
