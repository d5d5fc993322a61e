import io
import os
import pickle
import random
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from spikingjelly.activation_based import layer, neuron, surrogate
from torch import nn
from torch.nn.utils import prune

from snn2rtl.encoders import Encoder
from snn2rtl.errors import ModelFileError, OutputError, Snn2RtlError, UnsupportedModelError
from snn2rtl.frontend import from_module, load, save
from snn2rtl.spiking import Linear, SpikingNetwork, to_dict


def small_net() -> nn.Sequential:
    torch.manual_seed(1)
    net = nn.Sequential()
    net.add_module("flat", layer.Flatten())
    net.add_module("fc1", layer.Linear(6, 4))
    net.add_module("rest", nn.Sequential(layer.BatchNorm1d(4), neuron.LIFNode(surrogate_function=surrogate.ATan())))
    net.add_module("drop", nn.Dropout(0.5))
    net.add_module("fc2", nn.Linear(4, 3, bias=False))
    net.add_module("out", neuron.ParametricLIFNode(init_tau=3.0, v_reset=None))
    return net


def same(a: SpikingNetwork, b: SpikingNetwork) -> bool:
    def plain(value):
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, list):
            return [plain(item) for item in value]
        return (value.shape, value.dtype, value.tobytes()) if isinstance(value, np.ndarray) else value

    return plain(to_dict(a)) == plain(to_dict(b))


def refused(path: Path, **kwargs: Path) -> str:
    with pytest.raises(ModelFileError) as caught:
        load(path, **kwargs)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "weights_only" not in message
    return message.removeprefix(f"{path}: ")


def torch_bytes(value: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def with_pickle(content: bytes, new: bytes) -> bytes:
    """Return the file with another data.pkl and correct checksums."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as archive:
        for info in old.infolist():
            archive.writestr(info.filename, new if info.filename.endswith("data.pkl") else old.read(info))
    return buffer.getvalue()


def pickle_of(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read("archive/data.pkl")


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
    save(nn.Sequential(fc), tmp_path / "a.pt")
    assert np.array_equal(load(tmp_path / "a.pt").nodes[0].weight, [[1 / 3, 1e300]])


def test_save_replaces_a_file_at_once_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "net.pt"
    path.write_bytes(b"old")
    with pytest.raises(UnsupportedModelError):
        save(nn.Sequential(nn.Conv1d(1, 1, 1)), path)

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
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Sequential(nn.Conv2d(1, 1, 1), neuron.IzhikevichNode()))
    torch.save(net, tmp_path / "whole.pt")
    with pytest.raises(UnsupportedModelError) as in_memory:
        from_module(net)
    with pytest.raises(UnsupportedModelError) as in_file:
        load(tmp_path / "whole.pt")
    assert in_file.value.problems == in_memory.value.problems
    assert len(in_file.value.problems) == 3


class OwnNet(nn.Module):
    pass


def test_a_class_of_the_user_is_refused_with_advice(tmp_path):
    torch.save(nn.Sequential(OwnNet()), tmp_path / "own.pt")
    assert refused(tmp_path / "own.pt") == (
        f"must hold layers of PyTorch and SpikingJelly only, not '{__name__}.OwnNet', which could run code and was not "
        "loaded; write it with snn2rtl.save, or build the network as nn.Sequential"
    )


class Evil:
    """Runs a function when it is unpickled."""

    def __init__(self, function, *args):
        self.reduced = (function, args)

    def __reduce__(self):
        return self.reduced


def evil_values(canary: Path) -> dict[str, tuple[object, str]]:
    shell, python = f"touch {canary}", f"open({str(canary)!r}, 'w')"
    nested, attribute = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.Dropout())), nn.Sequential(nn.Linear(1, 1))
    nested[1]._modules["x"] = Evil(os.system, shell)
    attribute[0].note = Evil(exec, python)
    return {
        "os.system": (Evil(os.system, shell), "'posix.system'"),
        "eval": (Evil(eval, python), "'builtins.eval'"),
        "nested": (nested, "'posix.system'"),
        "attribute": (attribute, "'builtins.exec'"),
        "two": ([Evil(eval, python), Evil(os.system, shell)], "'builtins.eval', 'posix.system'"),
        "in a state_dict": ({"fc1.weight": Evil(os.system, shell)}, "'posix.system'"),
    }


@pytest.mark.parametrize("key", evil_values(Path("x")))
def test_a_file_that_would_run_code_is_refused_and_runs_nothing(tmp_path, key):
    canary, path = tmp_path / "canary", tmp_path / "evil.pt"
    value, names = evil_values(canary)[key]
    torch.save(value, path)
    assert f"not {names}, which could run code and was not loaded" in refused(path)
    assert not canary.exists()


def test_the_canary_would_notice(tmp_path):
    pickle.loads(pickle.dumps(Evil(os.system, f"touch {tmp_path / 'canary'}")))
    assert (tmp_path / "canary").exists()


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_that_is_no_torch_file_runs_nothing(tmp_path, protocol):
    canary, path = tmp_path / "canary", tmp_path / "evil.pt"
    evil = pickle.dumps(Evil(os.system, f"touch {canary}"), protocol)
    path.write_bytes(evil)
    assert refused(path).startswith("must be a complete file of snn2rtl.save or torch.save; it may be cut off")
    path.write_bytes(with_pickle(torch_bytes({}), evil))
    refused(path)
    torch.save(Evil(os.system, f"touch {canary}"), path, _use_new_zipfile_serialization=False)
    refused(path)
    assert not canary.exists()


@pytest.mark.parametrize("module", ["torch.nn.os", "spikingjelly.os", "torch.nn.modules.linear.os"])
def test_names_below_torch_nn_reach_no_code(tmp_path, module):
    canary, path = tmp_path / "canary", tmp_path / "evil.pt"
    shell = f"touch {canary}".encode()
    code = b"\x80\x02c" + module.encode() + b"\nsystem\nX" + struct.pack("<I", len(shell)) + shell + b"\x85R."
    path.write_bytes(with_pickle(torch_bytes({}), code))
    with pytest.raises(UnsupportedModelError, match=r"must be an nn\.Sequential, not system"):
        load(path)
    assert not canary.exists()


def test_no_constructor_of_a_layer_runs(tmp_path):
    path = tmp_path / "huge.pt"
    net = nn.Sequential(nn.Linear(1, 1))
    net._modules["1"] = Evil(nn.Linear, 2**40, 2**40)
    torch.save(net, path)
    with pytest.raises(UnsupportedModelError, match="layer '1': must be Linear"):
        load(path)


def test_no_file_no_folder_no_torch(tmp_path):
    assert refused(tmp_path / "missing.pt") == "must be a file, which does not exist"
    assert refused(tmp_path) == "must be a file, not a folder"
    for name, content in (("empty", b""), ("text", b"hello" * 100), ("zeros", bytes(5000))):
        (tmp_path / name).write_bytes(content)
        assert refused(tmp_path / name).startswith("must be a complete file of snn2rtl.save or torch.save")
    with tarfile.open(tmp_path / "old.tar", "w") as archive:
        archive.add(tmp_path / "text", "pickle")
    assert refused(tmp_path / "old.tar").startswith("must be a complete file")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as other:
        other.writestr("a.txt", "hello")
    assert refused(tmp_path / "other.zip").startswith("must be a file of snn2rtl.save or torch.save (")


def test_torchscript_is_refused(tmp_path):
    torch.save(nn.Linear(1, 1), tmp_path / "script.pt")
    with zipfile.ZipFile(tmp_path / "script.pt", "a") as archive:
        archive.writestr("script/constants.pkl", b"\x80\x02).")
    assert "torchscript" in refused(tmp_path / "script.pt")


@pytest.mark.parametrize("write", [torch.save, save])
def test_a_truncated_file_is_refused_at_every_length(tmp_path, write):
    write(small_net(), tmp_path / "net.pt")
    content, path = (tmp_path / "net.pt").read_bytes(), tmp_path / "cut.pt"
    lengths = [*range(0, len(content), len(content) // 40), len(content) - 1]
    for length in lengths:
        path.write_bytes(content[:length])
        refused(path)


def test_a_damaged_weight_is_noticed(tmp_path):
    net = nn.Sequential(nn.Linear(64, 64))
    save(net, tmp_path / "net.pt")
    content = bytearray((tmp_path / "net.pt").read_bytes())
    weights = net[0].weight.detach().numpy().tobytes()
    content[content.index(weights) + 100] ^= 1
    (tmp_path / "net.pt").write_bytes(content)
    assert refused(tmp_path / "net.pt") == "is damaged in its part 'archive/data/0'"


@pytest.mark.parametrize("write", [torch.save, save])
def test_mutated_pickles_raise_only_our_errors(tmp_path, write):
    write(small_net(), tmp_path / "net.pt")
    content, path = (tmp_path / "net.pt").read_bytes(), tmp_path / "mutated.pt"
    with zipfile.ZipFile(tmp_path / "net.pt") as archive:
        name = next(name for name in archive.namelist() if name.endswith("data.pkl"))
        code = archive.read(name)
    rng = random.Random(2)
    failures = 0
    for _ in range(150):
        mutated = bytearray(code)
        mutated[rng.randrange(len(code))] = rng.randrange(256)
        path.write_bytes(with_pickle(content, bytes(mutated)))
        try:
            load(path)
        except Snn2RtlError:
            failures += 1
    assert failures > 50


def test_tensors_that_claim_more_than_the_file_holds_are_refused(tmp_path):
    huge = torch.empty(1).expand(2**40, 2**10)
    net = nn.Sequential(nn.Linear(1, 1))
    net[0].weight = nn.Parameter(huge)
    torch.save(net, tmp_path / "net.pt")
    with pytest.raises(UnsupportedModelError, match=f"weight must hold all its {2**50} elements, not repeat some"):
        load(tmp_path / "net.pt")
    content = torch_bytes({"x": torch.ones(1000)})
    count = b"M" + struct.pack("<H", 1000)
    code = pickle_of(content)
    assert code.count(count) == 2
    (tmp_path / "x.pt").write_bytes(with_pickle(content, code.replace(count, b"J" + struct.pack("<i", 2**31 - 1))))
    assert "size" in refused(tmp_path / "x.pt")


def test_a_compressed_file_is_refused(tmp_path):
    content = torch_bytes({"x": torch.zeros(10**6)})
    path = tmp_path / "bomb.pt"
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for info in old.infolist():
            archive.writestr(info.filename, old.read(info))
    assert refused(path) == "must hold its tensors as they are, not compressed"


def test_memory_that_is_not_there(tmp_path, monkeypatch):
    def no_memory(*_: object, **__: object) -> None:
        raise MemoryError

    save(small_net(), tmp_path / "net.pt")
    monkeypatch.setattr(torch, "load", no_memory)
    assert refused(tmp_path / "net.pt") == "asks for more memory than there is"


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
        (("network", "nodes", 1, "type"), "Convolution", "is corrupt (KeyError: 'Convolution')"),
        (("network", "nodes", 1, "more"), 1, "is corrupt (TypeError: "),
        (("network", "nodes", 1, "name"), ["x"], "is corrupt (TypeError: layer '['x']': name must be str, not ['x'])"),
        (("network", "nodes", 1, "weight"), "x", "is corrupt (TypeError: layer 'fc1': weight must be FloatArray, "),
        (("network", "nodes", 1, "step"), "x", "is corrupt (TypeError: layer 'fc1': step must be FloatArray | None, "),
        (("network", "nodes", 1, "step"), torch.ones(4).int(), "is corrupt (TypeError: layer 'fc1': step must be a "),
        (("network", "nodes", 1, "bias"), torch.ones(4).to_sparse(), "is corrupt (TypeError: layer 'fc1': bias must "),
        (("network", "nodes", 3, "v_threshold"), "x", "is corrupt (TypeError: layer 'rest.1': v_threshold must be "),
        (("network", "nodes", 3, "tau"), [2.0], "is corrupt (TypeError: layer 'rest.1': tau must be float | None, "),
        (("network", "nodes", 3, "decay_input"), 1, "is corrupt (TypeError: layer 'rest.1': decay_input must be bool"),
        (("network", "encoder", "kind"), "x", "encoder: kind must be poisson or direct, not 'x')"),
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
    torch.save(net, tmp_path / "whole.pt")
    save(net, tmp_path / "net.pt", name=name)
    assert load(tmp_path / "net.pt").name == name
    assert load(tmp_path / "net.pt").nodes[0].name == load(tmp_path / "whole.pt").nodes[0].name == name
