"""A network in a file, and what a file that is no good is refused with."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from spikingjelly.activation_based import layer, neuron, surrogate
from torch import nn

from snn2rtl.errors import ModelFileError
from snn2rtl.float_net.network import SpikingNetwork, to_dict
from snn2rtl.frontend import load


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
