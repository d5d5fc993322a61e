"""Checkpoints as training scripts write them: the network that is read is the one that was trained."""

import argparse
import collections
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from model_files import pickle_of, refused, same, small_net, torch_bytes, with_pickle
from read_modules import neuron_of
from spikingjelly.activation_based import neuron
from torch import nn

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.nodes import Linear, Neuron
from snn2rtl.frontend import from_module, load

ARCH = """
[[layer]]
type = "Linear"
name = "{0}fc1"
[[layer]]
type = "IFNode"
name = "lif1"
v_threshold = 1.0
v_reset = 0.0
"""


def plain() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(collections.OrderedDict(fc1=nn.Linear(5, 4), lif1=neuron.IFNode()))


def loaded(folder: Path, content: object, prefix: str | None = None):
    torch.save(content, folder / "net.pt")
    if prefix is None:
        return load(folder / "net.pt")
    (folder / "net.toml").write_text(ARCH.format(prefix))
    return load(folder / "net.pt", arch=folder / "net.toml")


def beside(**network: object) -> dict[str, object]:
    """Return a checkpoint with what scripts keep beside a network: nothing of it is code that we know."""
    optimizer = torch.optim.Adam(nn.Linear(2, 2).parameters())
    return {
        "epoch": 3,
        "best_acc": np.float64(0.97),
        "losses": collections.deque([np.float32(0.5)]),
        "history": collections.defaultdict(list, train=[1.0]),
        "args": argparse.Namespace(lr=0.1, out=Path("run")),
        "rng": torch.get_rng_state(),
        "confusion": np.eye(2),
        "name": np.str_("mnist"),
        "optimizer": optimizer.state_dict(),
        "scheduler": torch.optim.lr_scheduler.StepLR(optimizer, 2),
        **network,
    }


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model", "net", "network", "weights", "ema_of_mine"])
def test_a_state_dict_beside_other_things(tmp_path, key):
    net = plain()
    content = beside(**{key: net.state_dict()})
    assert same(loaded(tmp_path, content, ""), from_module(net, name="net"))


@pytest.mark.parametrize("key", ["net", "model", "network", "mine"])
def test_a_whole_network_beside_other_things(tmp_path, key):
    net = small_net()
    assert same(loaded(tmp_path, beside(**{key: net})), from_module(net, name="net"))


def test_a_network_in_dictionaries_in_a_dictionary(tmp_path):
    net = plain()
    content = {"model": beside(net=net, state_dict=net.state_dict())}
    assert same(loaded(tmp_path, content), from_module(net, name="net"))
    assert same(loaded(tmp_path, content, ""), from_module(net, name="net"))


def test_several_networks_of_unknown_names_are_not_chosen_from(tmp_path):
    torch.save({"teacher": plain(), "student": plain()}, tmp_path / "x.pt")
    assert refused(tmp_path / "x.pt") == (
        "must hold a network or a state_dict, alone or under 'state_dict', 'model_state_dict', 'model', 'net', "
        "'network' or 'weights', not ['teacher', 'student']"
    )


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "net.", "model.", "snn.", "_orig_mod.module.", "a.b."])
def test_names_of_wrappers_before_those_of_the_layers(tmp_path, prefix):
    net = plain()
    content = {"state_dict": {f"{prefix}{key}": value for key, value in net.state_dict().items()}}
    assert same(loaded(tmp_path, content, ""), from_module(net, name="net"))


def test_names_with_their_prefix_in_the_arch_file_too(tmp_path):
    net = plain()
    content = {f"module.{key}": value for key, value in net.state_dict().items()}
    linear = loaded(tmp_path, content, "module.").nodes[0]
    assert linear.name == "module.fc1"
    assert np.array_equal(linear.weight, net.fc1.weight.detach().double())


def test_a_layer_that_was_compiled_alone(tmp_path):
    net = plain()
    content = {key.replace("fc1", "fc1._orig_mod"): value for key, value in net.state_dict().items()}
    assert same(loaded(tmp_path, content, ""), from_module(net, name="net"))


@pytest.mark.parametrize("wrap", [nn.DataParallel, torch.compile, lambda net: torch.compile(nn.DataParallel(net))])
@pytest.mark.parametrize("beside_others", [False, True])
def test_wrapped_networks_are_read_whole(tmp_path, wrap, beside_others):
    net = small_net()
    wrapped = wrap(net)
    assert same(from_module(wrapped, name="net"), from_module(net, name="net"))
    assert same(loaded(tmp_path, beside(net=wrapped) if beside_others else wrapped), from_module(net, name="net"))


def test_a_wrapper_of_itself_ends(tmp_path):
    wrapped = nn.DataParallel(plain())
    wrapped._modules["module"] = wrapped
    torch.save(wrapped, tmp_path / "x.pt")
    with pytest.raises(UnsupportedModelError, match=r"must be an nn\.Sequential, not DataParallel"):
        load(tmp_path / "x.pt")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_every_precision_are_exact(tmp_path, dtype):
    net = plain().to(dtype)
    network = loaded(tmp_path, net.state_dict(), "")
    assert np.array_equal(network.nodes[0].weight, net.fc1.weight.detach().double())
    assert same(network, from_module(net, name="net"))
    assert same(network, loaded(tmp_path, net))


def on_cuda(content: bytes) -> bytes:
    """Return a file whose tensors were on a GPU."""
    place = b"X" + struct.pack("<I", 3) + b"cpu"
    assert place in pickle_of(content)
    return with_pickle(content, pickle_of(content).replace(place, b"X" + struct.pack("<I", 6) + b"cuda:1"))


def test_tensors_of_a_gpu(tmp_path):
    net = small_net()
    (tmp_path / "net.pt").write_bytes(on_cuda(torch_bytes(net)))
    assert same(load(tmp_path / "net.pt"), from_module(net, name="net"))


NUMBERS = [np.float32(0.3), np.float64(0.3), np.array(0.3), np.int64(2), torch.tensor(0.3), torch.tensor([0.3]), 2]


@pytest.mark.parametrize("value", NUMBERS, ids=repr)
@pytest.mark.parametrize("key", ["v_threshold", "tau"])
def test_numbers_of_numpy_and_of_torch(tmp_path, key, value):
    node = neuron.LIFNode(tau=4.0)
    node.tau = 1.5 + value if key == "tau" else 4.0
    setattr(node, key, getattr(node, key) if key == "tau" else value)
    found = neuron_of(node)
    assert getattr(found, key) == float(getattr(node, key))
    assert type(getattr(found, key)) is float


@pytest.mark.parametrize("value", [np.float32(-0.3), torch.tensor(-0.3)])
def test_a_reset_that_is_not_of_python(value):
    node = neuron.IFNode(v_reset=float(value))
    node.v_reset = value
    assert neuron_of(node).v_reset == float(value)


@pytest.mark.parametrize("value", [torch.ones(3), np.ones(2), "1", True, None, torch.ones(0), 1j])
def test_what_is_no_number(value):
    node = neuron.IFNode()
    node.v_threshold = value
    with pytest.raises(UnsupportedModelError, match="v_threshold must be a number, not "):
        neuron_of(node)


@pytest.mark.parametrize("value", [np.float32(0.3), np.float64(0.3), np.float16(0.3), np.int8(2), torch.tensor(0.3)])
def test_numbers_of_numpy_in_a_file(tmp_path, value):
    net = plain()
    net.lif1.v_threshold = value
    network = loaded(tmp_path, net)
    assert isinstance(network.nodes[1], Neuron)
    assert network.nodes[1].v_threshold == float(value)


def test_numbers_of_numpy_1_in_a_file(tmp_path):
    net = plain()
    net.lif1.v_threshold = np.float64(0.3)
    content = torch_bytes({"net": net, "best": np.float32(0.5)})
    older = pickle_of(content).replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")
    assert older != pickle_of(content)
    (tmp_path / "net.pt").write_bytes(with_pickle(content, older))
    assert load(tmp_path / "net.pt").nodes[1].v_threshold == 0.3


def test_an_array_of_numpy_is_no_tensor(tmp_path):
    state = {key: value.numpy() for key, value in plain().state_dict().items()}
    torch.save({"state_dict": {**state, "x": torch.ones(1)}}, tmp_path / "x.pt")
    (tmp_path / "net.toml").write_text(ARCH.format(""))
    assert "not 'numpy._core.multiarray._reconstruct'" in refused(tmp_path / "x.pt", arch=tmp_path / "net.toml")


def test_weights_are_those_of_the_network_and_not_of_its_optimizer(tmp_path):
    net = plain()
    content = beside(net=net)
    content["optimizer"]["state"] = {"fc1.weight": torch.zeros(4, 5)}
    found = loaded(tmp_path, content).nodes[0]
    assert isinstance(found, Linear)
    assert np.array_equal(found.weight, net.fc1.weight.detach().double())
