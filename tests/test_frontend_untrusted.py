import io
import os
import pickle
import random
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest
import torch
from model_files import pickle_of, refused, small_net, torch_bytes, with_pickle
from spikingjelly.activation_based import neuron
from torch import nn

from snn2rtl.errors import Snn2RtlError, UnsupportedModelError
from snn2rtl.frontend import load, save


class OwnNet(nn.Module):
    pass


def test_a_class_of_the_user_is_refused_with_advice(tmp_path):
    torch.save(nn.Sequential(OwnNet()), tmp_path / "own.pt")
    assert refused(tmp_path / "own.pt") == (
        f"must hold layers of PyTorch and SpikingJelly only, not '{__name__}.OwnNet', which could run code and was not "
        "loaded; write it with snn2rtl.save(net, path, example_input=...), or name your code with --model"
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


def test_code_beside_a_network_does_not_run(tmp_path):
    canary = tmp_path / "canary"
    others = {"scheduler": Evil(exec, f"open({str(canary)!r}, 'w')"), "own": OwnNet(), "call": print}
    torch.save({"net": small_net(), **others}, tmp_path / "net.pt")
    torch.save(small_net(), tmp_path / "alone.pt")
    assert [node.name for node in load(tmp_path / "net.pt").nodes] == [
        node.name for node in load(tmp_path / "alone.pt").nodes
    ]
    torch.save({"net": small_net(), "scheduler": Evil(os.system, f"touch {canary}")}, tmp_path / "net.pt")
    assert "not 'posix.system', which could run code" in refused(tmp_path / "net.pt")
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
    net = nn.Sequential(nn.Linear(64, 64), neuron.IFNode())
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
