from pathlib import Path

import numpy as np
import pytest
import torch
from spikingjelly.activation_based import neuron
from torch import nn
from torch.nn.utils import prune

from snn2rtl.encoders import Encoder
from snn2rtl.errors import ModelFileError, UnsupportedModelError
from snn2rtl.float_net.network import SpikingNetwork, to_dict
from snn2rtl.frontend import from_module, load

FULL = """
name = "mine"
[encoder]
kind = "poisson"
time_steps = 100
scale = 0.7
[[layer]]
type = "Flatten"
name = "flat"
[[layer]]
type = "Linear"
name = "fc1"
[[layer]]
type = "BatchNorm1d"
name = "bn1"
eps = 0.25
[[layer]]
type = "LIFNode"
name = "lif1"
tau = 4
decay_input = false
v_threshold = 0.5
v_reset = -0.25
[[layer]]
type = "Dropout"
name = "drop"
[[layer]]
type = "Linear"
name = "fc2"
[[layer]]
type = "IFNode"
name = "if2"
v_threshold = 1
reset = "soft"
[[layer]]
type = "Linear"
name = "fc3"
[[layer]]
type = "ParametricLIFNode"
name = "plif3"
decay_input = true
v_threshold = 1.0
v_reset = 0.0
"""


def full_net() -> nn.Sequential:
    torch.manual_seed(3)
    net = nn.Sequential()
    for name, module in {
        "flat": nn.Flatten(),
        "fc1": nn.Linear(6, 4),
        "bn1": nn.BatchNorm1d(4, eps=0.25),
        "lif1": neuron.LIFNode(tau=4.0, decay_input=False, v_threshold=0.5, v_reset=-0.25),
        "drop": nn.Dropout(),
        "fc2": nn.Linear(4, 3, bias=False),
        "if2": neuron.IFNode(v_reset=None),
        "fc3": nn.Linear(3, 2),
        "plif3": neuron.ParametricLIFNode(init_tau=3.0),
    }.items():
        net.add_module(name, module)
    return net


def arrays(network: SpikingNetwork) -> str:
    with np.printoptions(threshold=10**6, floatmode="unique"):
        return repr(to_dict(network))


def write(folder: Path, text: str, state: object) -> tuple[Path, Path]:
    (folder / "net.toml").write_text(text)
    torch.save(state, folder / "state.pt")
    return folder / "state.pt", folder / "net.toml"


def problems_of(folder: Path, text: str, state: object) -> list[str]:
    path, arch = write(folder, text, state)
    with pytest.raises(ModelFileError) as caught:
        load(path, arch=arch)
    lines = str(caught.value).split("\n")
    assert all(line.startswith(f"{arch}: ") for line in lines)
    return [line.removeprefix(f"{arch}: ") for line in lines]


def lif(**changes: str | None) -> str:
    values = {"tau": "2.0", "decay_input": "true", "v_threshold": "1.0", "v_reset": "0.0"} | changes
    lines = [f"{key} = {value}" for key, value in values.items() if value is not None]
    return "\n".join(['[[layer]]\ntype = "LIFNode"\nname = "lif1"', *lines])


FC1 = '[[layer]]\ntype = "Linear"\nname = "fc1"\n'
FC1_STATE = {"fc1.weight": torch.ones(2, 2), "fc1.bias": torch.ones(2)}


def test_a_state_dict_with_its_text_file_is_the_network(tmp_path):
    net = full_net()
    network = load(write(tmp_path, FULL, net.state_dict())[0], arch=tmp_path / "net.toml")
    assert arrays(network) == arrays(from_module(net, name="mine", encoder=Encoder.poisson(100, 0.7)))


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model", "net"])
def test_a_checkpoint_that_holds_a_state_dict(tmp_path, key):
    path, arch = write(tmp_path, FC1, {key: FC1_STATE, "epoch": 3, "optimizer": {"lr": 0.1}})
    network = load(path, arch=arch)
    assert (network.name, network.encoder, len(network.nodes)) == ("state", None, 1)


def test_a_pruned_state_dict(tmp_path):
    net = nn.Sequential()
    net.add_module("fc1", nn.Linear(4, 4))
    prune.random_unstructured(net.fc1, "weight", 0.5)
    path, arch = write(tmp_path, FC1, net.state_dict())
    assert np.array_equal(load(path, arch=arch).nodes[0].weight, from_module(net).nodes[0].weight)


def test_a_state_dict_with_steps_of_training(tmp_path):
    path, arch = write(tmp_path, FC1, {**FC1_STATE, "fc1.weight_step": torch.tensor([0.5, 0.25])})
    assert load(path, arch=arch).nodes[0].step.tolist() == [0.5, 0.25]
    assert problems_of(tmp_path, FC1 + "step = 0.5\n", FC1_STATE) == [
        "layer 'fc1': must not have the unknown key 'step'"
    ]


def test_names_of_nested_layers_and_direct_coding(tmp_path):
    net = nn.Sequential(nn.Sequential(nn.Linear(2, 2)), nn.Linear(2, 1))
    text = '[encoder]\nkind = "direct"\ntime_steps = 4\n' + FC1.replace("fc1", "0.0") + FC1.replace("fc1", "1")
    path, arch = write(tmp_path, text, net.state_dict())
    network = load(path, arch=arch)
    assert arrays(network) == arrays(from_module(net, name="state", encoder=Encoder(kind="direct", time_steps=4)))


def test_batch_norm_has_the_epsilon_of_pytorch_by_default(tmp_path):
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    text = FC1.replace("fc1", "0") + '[[layer]]\ntype = "BatchNorm1d"\nname = "1"\n'
    path, arch = write(tmp_path, text, net.state_dict())
    assert arrays(load(path, arch=arch)) == arrays(from_module(net, name="state"))


@pytest.mark.parametrize("name", ["wire", "../x", "a b"])
def test_names_stay_as_they_are(tmp_path, name):
    path, arch = write(tmp_path, FC1.replace("fc1", name), {f"{name}.weight": torch.ones(1, 1)})
    assert load(path, arch=arch).nodes[0].name == name


TYPES = (
    "Linear, Flatten, BatchNorm1d, Dropout, IFNode, LIFNode, ParametricLIFNode, Neuron, Integrator, LIFCell, "
    "LIFRecurrentCell, LIFBoxCell, LICell or LIBoxCell"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[[layer]]\nname = "x"', "layer 'x': must have type, a string, which is missing"),
        ('[[layer]]\ntype = "Dropout"', "layer 2: must have name, a string, which is missing"),
        ('[[layer]]\ntype = "Dropout"\nname = 5', "layer 2: name must be a string, not 5"),
        ('[[layer]]\ntype = "Conv2d"\nname = "x"', f"layer 'x': type must be {TYPES}, not Conv2d"),
        ('[[layer]]\ntype = "Dropout"\nname = "x"\np = 0.5', "layer 'x': must not have the unknown key 'p'"),
        ('[[layer]]\ntype = "Linear"\nname = "x"', "layer 'x': must have a tensor 'weight', which is missing"),
        (
            '[[layer]]\ntype = "ParametricLIFNode"\nname = "x"\ndecay_input = true\nv_threshold = 1\nv_reset = 0',
            "layer 'x': must have a tensor 'w', which is missing",
        ),
        (lif(tau=None), "layer 'lif1': must have tau, a finite number, which is missing"),
        (lif(tau="true"), "layer 'lif1': tau must be a finite number, not True"),
        (lif(tau="inf"), "layer 'lif1': tau must be a finite number, not inf"),
        (lif(tau="1" + 400 * "0"), f"layer 'lif1': tau must be a finite number, not 1{17 * '0'}...{19 * '0'}"),
        (lif(decay_input=None), "layer 'lif1': must have decay_input, true or false, which is missing"),
        (lif(decay_input="1"), "layer 'lif1': decay_input must be true or false, not 1"),
        (lif(v_threshold=None), "layer 'lif1': must have v_threshold, a finite number, which is missing"),
        (lif(v_threshold='"x"'), "layer 'lif1': v_threshold must be a finite number, not 'x'"),
        (
            lif(v_reset=None),
            "layer 'lif1': must have v_reset, a finite number, or reset = 'soft', which is missing",
        ),
        (lif(v_reset="nan"), "layer 'lif1': v_reset must be a finite number, not nan"),
        (lif(reset='"soft"'), "layer 'lif1': must have v_reset or reset = 'soft', not both"),
        (lif(v_reset=None, reset='"hard"'), "layer 'lif1': reset must be 'soft', or left out, not 'hard'"),
        (
            "[encoder]\ntime_steps = 4\nscale = 1",
            "encoder: must have kind, 'poisson', 'direct' or 'values', which is missing",
        ),
        (
            '[encoder]\nkind = "rate"\ntime_steps = 4',
            "encoder: kind must be 'poisson', 'direct' or 'values', not 'rate'",
        ),
        (
            '[encoder]\nkind = "poisson"\ntime_steps = 4',
            "encoder: must have scale, a number above 0 and at most 1, which is missing",
        ),
        (
            '[encoder]\nkind = "poisson"\ntime_steps = 4\nscale = 1.5',
            "encoder: scale must be a number above 0 and at most 1, not 1.5",
        ),
        (
            '[encoder]\nkind = "direct"\ntime_steps = 0',
            "encoder: time_steps must be a whole number of at least 1, not 0",
        ),
        (
            '[encoder]\nkind = "direct"\ntime_steps = 4\nscale = 0.5',
            "encoder: must not have the unknown key 'scale'",
        ),
        ("[other]\nx = 1", "network: must not have the unknown key 'other'"),
    ],
)
def test_what_the_text_file_must_not_say(tmp_path, text, expected):
    assert problems_of(tmp_path, FC1 + text, FC1_STATE) == [expected]


def test_wrong_types_at_the_top(tmp_path):
    text = "name = 5\nencoder = 5\nlayer = [1]"
    assert problems_of(tmp_path, text, {}) == [
        "network: name must be a string, not 5",
        "network: encoder must be a table, not 5",
        "network: layer must be tables, each headed [[layer]], not [1]",
    ]
    assert problems_of(tmp_path, "", {}) == [
        "network: must have layer, tables, each headed [[layer]], which is missing"
    ]


def test_all_problems_are_named_at_once(tmp_path):
    text = 'wrong = 1\n[encoder]\nkind = "x"\n' + FC1 + "more = 1\n" + FC1.replace("fc1", "fc2") + lif(tau=None)
    state = FC1_STATE | {"fc9.weight": torch.ones(1, 1), "fc2.bias": torch.ones(1, dtype=torch.int32)}
    assert problems_of(tmp_path, text, state) == [
        "network: must not have the unknown key 'wrong'",
        "encoder: kind must be 'poisson', 'direct' or 'values', not 'x'",
        "encoder: must have time_steps, a whole number of at least 1, which is missing",
        "layer 'fc1': must not have the unknown key 'more'",
        "layer 'fc2': must have a tensor 'weight', which is missing",
        "layer 'fc2': bias must be a dense tensor of floats, not torch.int32, torch.strided, cpu",
        "layer 'lif1': must have tau, a finite number, which is missing",
        "state_dict: 'fc9.weight' must belong to a layer of this file",
    ]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"fc1.weight": "x"}, "layer 'fc1': weight must be a tensor, not str"),
        ({"fc1.weight": torch.ones(2, 2).to_sparse()}, "layer 'fc1': weight must be a dense tensor of floats, not"),
        ({"fc1.weight": torch.empty(1).expand(2**40, 2**10)}, f"layer 'fc1': weight must hold all its {2**50} "),
        ({5: torch.ones(1), "fc1.weight": torch.ones(1, 1)}, "state_dict: '5' must belong to a layer of this file"),
        (
            {"fc1.weight_orig": torch.ones(2, 2), "fc1.weight_mask": torch.ones(2, 1)},
            "layer 'fc1': weight must have the shape of its mask, (2, 1), not (2, 2)",
        ),
    ],
)
def test_wrong_state_dicts(tmp_path, state, expected):
    (problem,) = problems_of(tmp_path, FC1, state)
    assert problem.startswith(expected)


def test_the_float_network_checks_shapes_and_values(tmp_path):
    path, arch = write(tmp_path, FC1 + lif(tau="0.5"), FC1_STATE | {"fc1.bias": torch.ones(3)})
    with pytest.raises(UnsupportedModelError) as caught:
        load(path, arch=arch)
    assert caught.value.problems == (
        "layer 'fc1': bias must have shape (2,), not (3,)",
        "layer 'lif1': tau must be at least 1, not 0.5",
    )


@pytest.mark.parametrize("text", ["x =", "[[layer", "x = " + 10_000 * "[", "\x00"])
def test_a_text_file_that_is_no_toml(tmp_path, text):
    (problem,) = problems_of(tmp_path, text, FC1_STATE)
    assert problem.startswith("must be a TOML file: ")


def test_a_text_file_that_cannot_be_read(tmp_path):
    path, arch = write(tmp_path, "", FC1_STATE)
    with pytest.raises(ModelFileError, match=r"missing\.toml: cannot be read: No such file or directory$"):
        load(path, arch=tmp_path / "missing.toml")
    with pytest.raises(ModelFileError, match=r"cannot be read: Is a directory$"):
        load(path, arch=tmp_path)
    arch.write_bytes(b"\xff\xfe")
    with pytest.raises(ModelFileError, match=r"net\.toml: must be a TOML file: 'utf-8' codec"):
        load(path, arch=arch)


TEMPORAL = """
[[layer]]
type = "Linear"
name = "fc1"
[[layer]]
type = "Neuron"
name = "lif1"
grow = 0.5
v_threshold = 1.0
v_reset = 0.0
strict = true
[[layer]]
type = "Linear"
name = "fc2"
[[layer]]
type = "Integrator"
name = "li"
tau = 4.0
decay_input = true
score = "sum"
"""


def temporal_state() -> dict[str, torch.Tensor]:
    return {
        "fc1.weight": torch.ones(3, 2),
        "fc1.recurrent": torch.eye(3),
        "fc1.delay": torch.tensor([0, 5]),
        "lif1.tau": torch.tensor([2.0, 4.0, 8.0]),
        "lif1.adaptation_tau": torch.tensor([9.0, 8.0, 7.0]),
        "fc2.weight": torch.ones(2, 3),
        "li.synapse_tau": torch.tensor([2.0, 3.0]),
    }


def test_layers_for_temporal_data(tmp_path):
    path, arch = write(tmp_path, TEMPORAL, temporal_state())
    network = load(path, arch=arch)
    fc1, lif1, _, li = network.nodes
    assert (fc1.recurrent.tolist(), fc1.delay.tolist()) == (np.eye(3).tolist(), [0, 5])
    assert (lif1.tau.tolist(), lif1.adaptation_tau.tolist(), lif1.grow) == ([2, 4, 8], [9, 8, 7], 0.5)
    assert (lif1.strict, lif1.synapse_tau, lif1.decay_input) == (True, None, False)
    assert (li.tau, li.synapse_tau.tolist(), li.score, li.decay_input) == (4.0, [2, 3], "sum", True)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("grow = 0.5", "grow = 0.5\ntau = 2", "layer 'lif1': must have tau here or in the state_dict, not both"),
        ('score = "sum"', 'score = "mean"', "layer 'li': score must be 'max', 'last' or 'sum', not 'mean'"),
        ("strict = true", "strict = 1", "layer 'lif1': strict must be true or false, not 1"),
        ("grow = 0.5", "rate = 0.5", "layer 'lif1': must not have the unknown key 'rate'"),
    ],
)
def test_what_layers_for_temporal_data_must_not_say(tmp_path, old, new, expected):
    assert problems_of(tmp_path, TEMPORAL.replace(old, new), temporal_state()) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dt = true", "layer 'a': dt must be a finite number, not True"),
        ("tau_mem_inv = 2000", "layer 'a': dt * tau_mem_inv must be above 0 and at most 1, not 2"),
        ("v_th = 1.0", "layer 'a': must not have the unknown key 'v_th'"),
    ],
)
def test_what_cells_of_norse_must_not_say(tmp_path, text, expected):
    assert problems_of(tmp_path, f'[[layer]]\ntype = "LICell"\nname = "a"\n{text}', {}) == [expected]


def test_delays_of_a_state_dict_are_whole_numbers(tmp_path):
    state = {**temporal_state(), "fc1.delay": torch.ones(2)}
    (problem,) = problems_of(tmp_path, TEMPORAL, state)
    assert problem.startswith("layer 'fc1': delay must be a dense tensor of integers, not torch.float32")
