"""Norse networks through the front end, the passes and the golden model, held against Norse itself, step by step."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from norse.torch import (
    LI,
    LIF,
    LIBoxCell,
    LICell,
    LIFAdExCell,
    LIFBoxCell,
    LIFCell,
    LIFParameters,
    LIFRecurrent,
    LIFRecurrentCell,
    LIFRefracCell,
    Lift,
    LSNNCell,
    PoissonEncoder,
    SequentialState,
)
from norse.torch.functional.leaky_integrator import LIParameters
from norse.torch.functional.leaky_integrator_box import LIBoxParameters
from norse.torch.functional.lif_box import LIFBoxParameters
from norse.torch.functional.lif_refrac import LIFRefracParameters
from norse.torch.functional.reset import reset_subtract
from spikingjelly.activation_based import layer, neuron
from torch import nn

import snn2rtl
from snn2rtl.compiler import compile_network
from snn2rtl.errors import OptionError, UnsupportedModelError
from snn2rtl.float_net.network import to_dict
from snn2rtl.frontend import from_module, load, save
from snn2rtl.int_net import reference
from snn2rtl.int_net.chain import layers_of
from snn2rtl.int_net.neurons import CubaIntegrator, CubaLifNeuron
from snn2rtl.options import PerLayer, QuantizeOptions

DT = 2.0**-10
STEPS, SAMPLES, SIZES = 7, 6, (6, 9, 7, 5)
EXACT = QuantizeOptions(bits=PerLayer(8), scale="layer", membrane_fraction=PerLayer(20), time_steps=STEPS, strict=True)


def inverse(shift: float | list[float]) -> torch.Tensor:
    """Return the inverse of a time constant that takes 2**-shift of a state in a step."""
    return torch.tensor(2.0 ** -np.asarray(shift) / DT, dtype=torch.float32)


def lif(v_th=1.0, v_leak=0.0, membrane=2, synapse=1, **changes) -> LIFParameters:
    numbers = {"v_th": v_th, "v_leak": v_leak, "v_reset": v_leak, **changes}
    values = {key: torch.as_tensor(value) for key, value in numbers.items() if key != "method"}
    values |= {key: value for key, value in changes.items() if key == "method"}
    return LIFParameters(tau_syn_inv=inverse(synapse), tau_mem_inv=inverse(membrane), **values)


def li(membrane=2, synapse=1, **changes) -> LIParameters:
    return LIParameters(**{"tau_syn_inv": inverse(synapse), "tau_mem_inv": inverse(membrane), **changes})


def dyadic(net: nn.Module, seed: int = 1) -> nn.Module:
    """Return the network with weights of whole quarters, in evaluation mode."""
    random = np.random.default_rng(seed)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.tensor(random.integers(-3, 9, parameter.shape) / 4))
    return net.eval()


def linear(index: int, bias: bool = False) -> nn.Linear:
    return nn.Linear(SIZES[index], SIZES[index + 1], bias=bias)


def spiking() -> LIFCell:
    return LIFCell(lif(), dt=DT)


CELLS = {
    "classic": lambda: [linear(0), LIFCell(lif(), dt=DT), linear(1), LICell(li(), dt=DT)],
    "of spikes": lambda: [linear(0, True), LIFCell(lif(2.25), dt=DT), nn.Dropout(), linear(1), LIFCell(lif(3), dt=DT)],
    "recurrent": lambda: [
        LIFRecurrentCell(SIZES[0], SIZES[1], lif(1.5), dt=DT),
        LIFRecurrentCell(SIZES[1], SIZES[2], lif(1.5), dt=DT, autapses=True),
        linear(2),
        LICell(li(3, 2), dt=DT),
    ],
    "boxes": lambda: [
        linear(0),
        LIFBoxCell(LIFBoxParameters(tau_mem_inv=inverse(1)), dt=DT),
        linear(1),
        LIFBoxCell(LIFBoxParameters(tau_mem_inv=inverse(2), reset_method=reset_subtract), dt=DT),
        linear(2),
        LIBoxCell(LIBoxParameters(tau_mem_inv=inverse(2)), dt=DT),
    ],
    "resting elsewhere": lambda: [linear(0), LIFCell(lif(0.5, -0.5), dt=DT), linear(1), LIFCell(lif(1.0, 0.25), dt=DT)],
    "a pace of each neuron": lambda: [
        linear(0),
        LIFCell(lif(membrane=[0, 1, 2, 1, 0, 1, 2, 1, 0], synapse=[2, 1, 0] * 3), dt=DT),
        linear(1),
        LICell(li([0, 1, 2, 1, 0, 1, 2]), dt=DT),
    ],
    "nested": lambda: [
        nn.Flatten(),
        SequentialState(linear(0), LIFCell(lif(), dt=DT)),
        linear(1),
        LIFCell(lif(), dt=DT),
    ],
}


def run_cells(net: SequentialState, spikes: np.ndarray) -> np.ndarray:
    """Return the outputs of the last layer, shape (T, N, neurons), in float64."""
    outputs, state = [], None
    net = net.to(torch.float64)
    with torch.no_grad():
        for step in torch.tensor(spikes, dtype=torch.float64):
            out, state = net(step, state)
            outputs.append(out)
    return torch.stack(outputs).numpy()


def compiled(net: nn.Module, options: QuantizeOptions = EXACT):
    """Return the integer network and the value of a membrane step of its last layer."""
    network, reports = compile_network(from_module(net), options)
    return network, reports[-1].scale_min / 2.0 ** reports[-1].membrane_fraction


def input_spikes(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, (STEPS, SAMPLES, SIZES[0]), dtype=np.uint8)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", CELLS)
def test_every_spike_and_membrane_is_that_of_norse(name, seed):
    """Strict finds nothing to refuse; the last layer's spikes or membranes tell of all before them."""
    net = dyadic(SequentialState(*CELLS[name]()), seed)
    network, step = compiled(net)
    spikes = input_spikes(seed)
    wanted = run_cells(net, spikes)
    result = reference.run(network, spikes, record_membranes=True)
    hidden = [trace.spikes.mean() for trace in result.in_order[:-1]]
    assert all(0.02 < mean < 0.98 for mean in hidden), hidden
    if not layers_of(network)[-1].neuron.spikes:
        assert np.array_equal(result.in_order[-1].membranes * step, wanted)
        assert np.array_equal(result.counts * step, wanted.max(axis=0))
        assert np.array_equal(result.classes, wanted.max(axis=0).argmax(axis=1))
    else:
        assert np.array_equal(result.in_order[-1].spikes, wanted)
        assert 0.02 < wanted.mean() < 0.98


def test_layers_over_time_are_the_cells():
    over_time = dyadic(
        SequentialState(linear(0), LIF(lif(), dt=DT), LIFRecurrent(9, 5, lif(5.0), dt=DT), linear(2), LI(li(), dt=DT))
    )
    over_time[3] = dyadic(nn.Linear(5, 4, bias=False))
    network, step = compiled(over_time)
    kinds = [type(layer.neuron) for layer in layers_of(network)]
    assert kinds == [CubaLifNeuron, CubaLifNeuron, CubaIntegrator]
    spikes = input_spikes(1)
    with torch.no_grad():
        wanted = over_time(torch.tensor(spikes, dtype=torch.float32))[0].numpy()
    got = reference.run(network, spikes, record_membranes=True).in_order[-1].membranes
    assert np.array_equal(got * step, wanted)


@pytest.mark.parametrize("readout", ["max", "last", "sum"])
def test_the_readout_is_chosen(readout):
    net = dyadic(SequentialState(*CELLS["classic"]()))
    network, step = compiled(net, replace(EXACT, readout=readout))
    wanted, spikes = run_cells(net, input_spikes(1)), input_spikes(1)
    scores = {"max": wanted.max(axis=0), "last": wanted[-1], "sum": wanted.sum(axis=0)}[readout]
    assert np.array_equal(reference.run(network, spikes).counts * step, scores)


def test_a_readout_of_a_layer_that_spikes_is_refused():
    message = "--readout: must be left out where the last layer spikes, for spikes are counted, not max"
    with pytest.raises(OptionError, match=f"^{message}$"):
        compiled(SequentialState(*CELLS["of spikes"]()), replace(EXACT, readout="max"))


def test_norse_defaults_are_approximated_and_reported(tmp_path):
    net = dyadic(SequentialState(linear(0), LIFCell(), linear(1), LICell()))
    found = snn2rtl.compile(net)
    kinds = [type(layer.neuron) for layer in layers_of(found.network)]
    assert kinds == [CubaLifNeuron, CubaIntegrator]
    notes = found.reports[0].approximations()
    assert "layer '0': a step keeps 0.898438 of the membrane, not 0.9" in notes
    assert "layer '0': a step keeps 0.800781 of the synaptic current, not 0.8" in notes
    assert found.reports[1].score == "max"
    save(net, tmp_path / "net.pt", name="network")
    assert layers_of(snn2rtl.compile(tmp_path / "net.pt").network)[0].neuron.fire_at.tolist() == (
        layers_of(found.network)[0].neuron.fire_at.tolist()
    )


def refusal(*modules: nn.Module) -> list[str]:
    with pytest.raises(UnsupportedModelError) as caught:
        from_module(SequentialState(*modules))
    return list(caught.value.problems)


def changed(module: nn.Module, **values: object) -> nn.Module:
    for key, value in values.items():
        setattr(module, key, value)
    return module


NAMES = (
    "LIFCell, LIF, LIFRecurrentCell, LIFRecurrent, LIFBoxCell, LICell, LI, LIBoxCell, LILinearCell, LIFRefracCell, "
    "LIFRefracRecurrentCell, LIFRefracRecurrent, IAFCell or IAF of Norse"
)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (LIFAdExCell(), f"neuron must be {NAMES}, not LIFAdExCell, whose membrane grows exponentially"),
        (
            LSNNCell(),
            f"neuron must be {NAMES}, not LSNNCell, whose current acts a step late, and which no neuron here has "
            "together with an adaptation",
        ),
        (
            PoissonEncoder(3),
            f"must be SequentialState, {NAMES}, not PoissonEncoder, which draws lots; let --encoder poisson do that, "
            "outside of the network",
        ),
        (Lift(LIFCell()), "must be traced; give an example_input, for a Lift passes on what is not told here"),
        (
            LIFCell(lif(v_reset=-0.5)),
            "v_reset must be 0.0 like v_leak, for a membrane resets to where it rests, not -0.5",
        ),
        (
            LIFRefracCell(LIFRefracParameters(lif(), torch.tensor([1.0, 2.0]))),
            "rho_reset must be one number for all neurons, not 1..2",
        ),
        (
            LIFRefracCell(LIFRefracParameters(lif(), torch.tensor([1.0, 1.0 + 2**-23]))),
            "rho_reset must be one number for all neurons, not 1..1.0000001",
        ),
        (
            LIFRefracCell(LIFRefracParameters(lif(), torch.tensor(300.0))),
            "rho_reset must be 0..255 steps, not 300",
        ),
        (LIFCell(dt=0.1), "dt * tau_mem_inv must be above 0 and at most 1, not 10"),
        (LIFCell(lif(), dt=0.0), "dt * tau_mem_inv must be above 0 and at most 1, not 0"),
        (
            LIFCell(lif(method="logistic")),
            "method must be heaviside, super, triangle, tanh, circ or heavi_erfc, not 'logistic'",
        ),
        (LICell(li(v_leak=torch.tensor(0.5))), "v_leak must be 0, at which scores begin, not 0.5"),
        (changed(LICell(), activation=torch.relu), "activation must be li_feed_forward_step, not relu"),
        (
            LIFBoxCell(LIFBoxParameters(v_leak=torch.tensor(0.5), reset_method=reset_subtract)),
            "v_leak must be 0 where a spike subtracts the threshold, not 0.5",
        ),
        (
            LIFBoxCell(LIFBoxParameters(reset_method=torch.relu)),
            "reset_method must be reset_value or reset_subtract, not relu",
        ),
        (LIFBoxCell(dt="x"), "dt and tau_mem_inv must be numbers, not 'x' and tensor(100.)"),
        (neuron.IFNode(step_mode="s"), None),
    ],
)
def test_what_has_no_exact_hardware_is_refused_by_name(module, message):
    if message is None:
        assert refusal(linear(0), LIFCell(), linear(1), module) == [
            "layer '1': neuron must be one of SpikingJelly like '3', not one of Norse"
        ]
    else:
        (found,) = {problem for problem in refusal(linear(0), module) if "tau_syn_inv" not in problem or "x" in message}
        assert found.startswith(f"layer '1': {message}")


def test_one_step_and_all_steps_do_not_mix():
    assert refusal(linear(0), LIFCell(), linear(1), LIF(), linear(2), LI()) == [
        "layer '3': must take one step of time like '1'",
        "layer '5': must take one step of time like '1'",
    ]
    assert refusal(linear(0), LIF(), linear(1), LICell()) == ["layer '3': must take all steps of time like '1'"]
    inside = layer.MultiStepContainer(linear(0), LIFCell())
    assert refusal(inside) == ["layer '0.1': must not be inside of MultiStepContainer, which is SpikingJelly's"]


def test_another_version_of_norse_is_refused(monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda _: "1.2.0")
    assert refusal(linear(0), LIFCell()) == ["layer '1': Norse must be 1.1, whose steps are known here, not 1.2.0"]


def test_integrators_must_be_last():
    assert refusal(linear(0), LICell(), linear(1), LIFCell()) == [
        "layer '1': an Integrator must be the last layer, for it never fires"
    ]


ARCH = """
[[layer]]
type = "Linear"
name = "0"
[[layer]]
type = "LIFCell"
name = "1"
v_th = 0.5
tau_mem_inv = 50
[[layer]]
type = "LIFRecurrentCell"
name = "2"
dt = 0.002
[[layer]]
type = "Linear"
name = "3"
[[layer]]
type = "LICell"
name = "4"
tau_syn_inv = 1000
"""


def test_a_state_dict_with_its_text_file_is_the_network(tmp_path):
    torch.manual_seed(1)
    slow = LIFParameters(v_th=torch.tensor(0.5), tau_mem_inv=torch.tensor(50.0))
    end = LICell(LIParameters(tau_syn_inv=torch.tensor(1000.0)))
    net = SequentialState(linear(0), LIFCell(slow), LIFRecurrentCell(9, 7, dt=0.002), linear(2), end)
    torch.save(net.state_dict(), tmp_path / "net.pt")
    (tmp_path / "net.toml").write_text(ARCH)
    found = to_dict(load(tmp_path / "net.pt", arch=tmp_path / "net.toml"))
    wanted = to_dict(from_module(net, name="net"))
    assert [node["name"] for node in found["nodes"]] == ["0", "1", "2", "2.neuron", "3", "4"]
    for ours, theirs in zip(found["nodes"], wanted["nodes"], strict=True):
        assert ours.keys() == theirs.keys()
        assert all(np.array_equal(ours[key], theirs[key]) for key in ours), (ours, theirs)


def test_the_defaults_are_those_of_norse():
    from snn2rtl.frontend.frameworks import norse

    for kind, traits in norse.KINDS.items():
        if not traits.in_arch:
            continue
        made = {"LIFRecurrentCell": LIFRecurrentCell, "LIFRecurrent": LIFRecurrent}.get(kind)
        module = made(2, 3) if made else {**globals()}[kind]()
        for key, value in norse.defaults(kind).items():
            assert float(module.dt if key == "dt" else getattr(module.p, key)) == value


def test_weights_that_are_pruned_are_those_of_the_mask():
    cell = dyadic(LIFRecurrentCell(6, 9, lif(), dt=DT))
    nn.utils.prune.random_unstructured(cell, "recurrent_weights", 0.5)
    with torch.no_grad():
        cell.recurrent_weights_orig.add_(1.0)  # as an optimizer does, after which the product is old
    fc, _ = from_module(SequentialState(cell)).nodes
    expected = cell.recurrent_weights_orig * cell.recurrent_weights_mask
    assert np.array_equal(fc.recurrent, expected.detach().numpy())
