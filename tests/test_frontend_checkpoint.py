import os
from pathlib import Path

import numpy as np
import pytest
import torch
from model_files import pickle_of, refused, same, small_net, torch_bytes, with_pickle
from spikingjelly.activation_based import layer, neuron
from torch import nn
from torch.nn.utils import prune

import snn2rtl
from snn2rtl.encoders import Encoder
from snn2rtl.errors import OutputError, UnsupportedModelError
from snn2rtl.float_net.nodes import Linear
from snn2rtl.frontend import from_module, load, save


@pytest.mark.parametrize("encoder", [None, Encoder.poisson(100, 0.7), Encoder(kind="direct", time_steps=4)])
def test_save_and_load_give_the_same_network(tmp_path, encoder):
    net = small_net()
    save(net, tmp_path / "net.pt", encoder=encoder)
    network = load(tmp_path / "net.pt")
    assert same(network, from_module(net, name="net", encoder=encoder))
    assert not same(network, from_module(net, name="other", encoder=encoder))


def test_a_saved_file_is_deterministic_plain_and_no_larger_than_its_float32_weights(tmp_path):
    net = nn.Sequential(nn.Linear(300, 200), neuron.IFNode())
    save(net, tmp_path / "a.pt", name="n")
    save(net, tmp_path / "b.pt", name="n")
    content = (tmp_path / "a.pt").read_bytes()
    assert content == (tmp_path / "b.pt").read_bytes()
    assert 4 * 300 * 200 < len(content) < 1.1 * 4 * 300 * 200
    assert torch.serialization.get_unsafe_globals_in_checkpoint(tmp_path / "a.pt") == []


@pytest.mark.parametrize("write", [torch.save, save])
def test_steps_of_training_are_kept(tmp_path, write):
    net = small_net()
    net.fc1.register_buffer("weight_step", torch.tensor([0.1, 0.2, 0.3, 0.4]))
    write(net, tmp_path / "net.pt")
    steps = [node.step for node in load(tmp_path / "net.pt").nodes if isinstance(node, Linear)]
    assert np.array_equal(steps[0], net.fc1.weight_step.double().numpy())
    assert steps[1] is None


def test_values_that_float32_cannot_hold_stay_exact(tmp_path):
    fc = nn.Linear(2, 1).double()
    fc.weight = nn.Parameter(torch.tensor([[1 / 3, 1e300]], dtype=torch.float64))
    save(nn.Sequential(fc, neuron.IFNode()), tmp_path / "a.pt")
    assert np.array_equal(load(tmp_path / "a.pt").nodes[0].weight, [[1 / 3, 1e300]])


def test_save_replaces_a_file_at_once_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "net.pt"
    path.write_bytes(b"old")
    with pytest.raises(UnsupportedModelError):
        save(nn.Sequential(nn.MaxPool1d(1)), path)

    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", no_space)
        with pytest.raises(OutputError, match=r"net\.pt: cannot be written: No space left on device$"):
            save(small_net(), path)
    assert [file.name for file in tmp_path.iterdir()] == ["net.pt"]
    assert path.read_bytes() == b"old"
    save(small_net(), path)
    assert [file.name for file in tmp_path.iterdir()] == ["net.pt"]


@pytest.mark.parametrize(
    ("net", "expected"),
    [
        ([nn.Linear(3, 2)], "layer '0': Linear must be followed by a spiking neuron, not by nothing"),
        (
            [nn.Unflatten(-1, (1, 4, 4)), nn.AvgPool2d(2), neuron.IFNode(), nn.Flatten(), nn.Linear(4, 2)],
            "layer '4': Linear must be followed by a spiking neuron, not by nothing",
        ),
        (
            [nn.Unflatten(-1, (1, 4, 4)), nn.Conv2d(1, 1, 3), neuron.IFNode(), nn.Flatten(), nn.Linear(5, 2)],
            "layer '4': must take 4 inputs from '3', not 5",
        ),
        (
            [nn.Linear(9, 4), nn.Unflatten(-1, (1, 2, 2)), nn.MaxPool2d(2), nn.Conv2d(1, 1, 1), neuron.IFNode()],
            "layer '2': MaxPool of currents must come right before spiking neurons, or pool spikes right behind them, "
            "not stand before '3'",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("read_before", [False, True])
def test_save_writes_nothing_that_compile_refuses(tmp_path, net, expected, read_before):
    torch.save(nn.Sequential(*net), tmp_path / "whole.pt")
    with pytest.raises(UnsupportedModelError) as compiled:
        snn2rtl.compile(tmp_path / "whole.pt")
    assert compiled.value.problems == (expected,)
    with pytest.raises(UnsupportedModelError) as caught:
        save(from_module(nn.Sequential(*net)) if read_before else nn.Sequential(*net), tmp_path / "net.pt")
    assert caught.value.problems == (expected,)
    assert [file.name for file in tmp_path.iterdir()] == ["whole.pt"]


def test_save_into_a_missing_folder(tmp_path):
    with pytest.raises(OutputError, match=r"cannot be written: No such file or directory$"):
        save(small_net(), tmp_path / "missing" / "net.pt")


def test_a_network_saved_whole(tmp_path):
    net = small_net()
    prune.l1_unstructured(net.fc1, "weight", 0.5)
    prune.random_unstructured(net.fc1, "weight", 0.5)
    net(torch.rand(2, 6))
    torch.save(net, tmp_path / "whole.pt")
    assert same(load(tmp_path / "whole.pt"), from_module(net, name="whole"))


def test_a_multi_step_network_saved_whole(tmp_path):
    net = nn.Sequential(layer.SeqToANNContainer(nn.Linear(3, 2)), neuron.LIFNode(step_mode="m"))
    torch.save(net, tmp_path / "whole.pt")
    assert same(load(tmp_path / "whole.pt"), from_module(net, name="whole"))


def test_class_names_of_older_spikingjelly(tmp_path):
    net = nn.Sequential(layer.Linear(2, 2), neuron.LIFNode())
    content = torch_bytes(net)
    old = pickle_of(content).replace(b"activation_based.neuron.lif\n", b"activation_based.neuron\n")
    old = old.replace(b"activation_based.layer.stateless_wrapper\n", b"activation_based.layer\n")
    assert old != pickle_of(content)
    (tmp_path / "old.pt").write_bytes(with_pickle(content, old))
    assert same(load(tmp_path / "old.pt"), from_module(net, name="old"))


def test_layers_that_are_not_supported_are_all_named_with_their_path(tmp_path):
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Sequential(nn.MaxPool3d(1), neuron.IzhikevichNode()))
    torch.save(net, tmp_path / "whole.pt")
    with pytest.raises(UnsupportedModelError) as in_memory:
        from_module(net)
    with pytest.raises(UnsupportedModelError) as in_file:
        load(tmp_path / "whole.pt")
    assert in_file.value.problems == in_memory.value.problems
    assert len(in_file.value.problems) == 3


def own_content(tmp_path: Path) -> dict:
    save(small_net(), tmp_path / "net.pt", encoder=Encoder.poisson(4, 0.5))
    return torch.load(tmp_path / "net.pt", weights_only=True)


@pytest.mark.parametrize(
    ("keys", "value", "expected"),
    [
        (("version",), 2, "format version must be 1, not 2; use a newer snn2rtl"),
        (("format",), "other", "format must be 'snn2rtl spiking network', not 'other'"),
        (("network",), None, "is corrupt (TypeError: "),
        (("network", "name"), 5, "is corrupt (TypeError: name must be a string, not 5)"),
        (("network", "nodes"), 5, "is corrupt (TypeError: "),
        (("network", "nodes", 1, "type"), "Transformer", "is corrupt (KeyError: 'Transformer')"),
        (("network", "nodes", 1, "more"), 1, "is corrupt (TypeError: "),
        (("network", "nodes", 1, "name"), ["x"], "is corrupt (TypeError: layer '['x']': name must be str, not ['x'])"),
        (("network", "nodes", 1, "weight"), "x", "is corrupt (TypeError: layer 'fc1': weight must be FloatArray, "),
        (("network", "nodes", 1, "step"), "x", "is corrupt (TypeError: layer 'fc1': step must be FloatArray | None, "),
        (("network", "nodes", 1, "step"), torch.ones(4).int(), "is corrupt (TypeError: layer 'fc1': step must be a "),
        (("network", "nodes", 1, "bias"), torch.ones(4).to_sparse(), "is corrupt (TypeError: layer 'fc1': bias must "),
        (("network", "nodes", 3, "v_threshold"), "x", "is corrupt (TypeError: layer 'rest.1': v_threshold must be "),
        (("network", "nodes", 3, "tau"), [2.0], "is corrupt (TypeError: layer 'rest.1': tau must be float | "),
        (("network", "nodes", 3, "decay_input"), 1, "is corrupt (TypeError: layer 'rest.1': decay_input must be bool"),
        (("network", "encoder", "kind"), "x", "encoder: kind must be poisson, direct or values, not 'x')"),
        (("network", "encoder", "time_steps"), 1.5, "encoder: time_steps must be a positive integer, not 1.5)"),
        (("network", "encoder", "time_steps"), 0, "encoder: time_steps must be a positive integer, not 0)"),
        (("network", "encoder", "rate"), 258, "encoder: rate must be an integer of 0..257, not 258)"),
        (("network", "encoder", "more"), 1, "is corrupt (TypeError: "),
    ],
)  # fmt: skip
def test_corrupt_values_in_our_own_format(tmp_path, keys, value, expected):
    content = own_content(tmp_path)
    place = content
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    torch.save(content, tmp_path / "bad.pt")
    assert expected in refused(tmp_path / "bad.pt")


@pytest.mark.parametrize("key", ["format", "version", "network"])
def test_missing_values_in_our_own_format(tmp_path, key):
    content = own_content(tmp_path)
    del content[key]
    torch.save(content, tmp_path / "bad.pt")
    refused(tmp_path / "bad.pt")


def test_invalid_networks_in_our_own_format_are_named_by_layer(tmp_path):
    content = own_content(tmp_path)
    content["network"]["nodes"][1]["weight"] = torch.full((4, 6), float("nan"))
    torch.save(content, tmp_path / "bad.pt")
    with pytest.raises(UnsupportedModelError, match="layer 'fc1': weight must be finite, not 24 NaN"):
        load(tmp_path / "bad.pt")


def test_a_state_dict_needs_a_text_file_and_nothing_else_does(tmp_path):
    net, arch = small_net(), tmp_path / "net.toml"
    torch.save(net.state_dict(), tmp_path / "state.pt")
    assert refused(tmp_path / "state.pt") == (
        "holds a state_dict, which does not say what its layers are; give --arch net.toml, a text file with a table "
        'for each layer in order, such as: [[layer]] type = "Linear" name = "fc1"'
    )
    torch.save(net, tmp_path / "whole.pt")
    save(net, tmp_path / "net.pt")
    for name in ("whole.pt", "net.pt"):
        assert refused(tmp_path / name, arch=arch) == (
            "must be a state_dict to go with --arch, not a whole network; leave --arch out"
        )


@pytest.mark.parametrize("value", [torch.ones(2), [1, 2], 5, None, "text"])
def test_files_that_hold_something_else(tmp_path, value):
    torch.save(value, tmp_path / "x.pt")
    with pytest.raises(UnsupportedModelError, match=f"must be an nn.Sequential, not {type(value).__name__}"):
        load(tmp_path / "x.pt")


@pytest.mark.parametrize("name", ["wire", "../x", "a\nb"])
def test_names_stay_as_they_are(tmp_path, name):
    net = nn.Sequential()
    net._modules[name] = nn.Linear(1, 1)
    net.add_module("lif", neuron.IFNode())
    torch.save(net, tmp_path / "whole.pt")
    save(net, tmp_path / "net.pt", name=name)
    assert load(tmp_path / "net.pt").name == name
    assert load(tmp_path / "net.pt").nodes[0].name == load(tmp_path / "whole.pt").nodes[0].name == name
