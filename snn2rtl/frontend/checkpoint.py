"""Model files: our own, a network saved whole with torch.save, or a state_dict with a text file beside it."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from reprlib import repr as short
from typing import Any

import numpy as np
import torch
from torch import nn

from snn2rtl.compiler import to_layers
from snn2rtl.encoders import Encoder
from snn2rtl.errors import ModelFileError, OutputError, UnsupportedModelError
from snn2rtl.float_net.network import SpikingNetwork, from_dict, is_absent, to_dict
from snn2rtl.float_net.nodes import NODE_TYPES
from snn2rtl.frontend import arch as architecture
from snn2rtl.frontend import parts, untrusted
from snn2rtl.frontend.layers import front_end_of_file
from snn2rtl.frontend.read import from_module
from snn2rtl.frontend.tensors import to_array
from snn2rtl.options import ReadOptions
from snn2rtl.passes.lower import input_shape

FORMAT = "snn2rtl spiking network"
VERSION = 1
FIELD_TYPES: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "bool": bool,
    "int": int,
    "NamedReset": str,
    "tuple[int, ...]": tuple,
    "float": float,
    "float | None": (float, type(None)),
    "float | FloatArray": (float, torch.Tensor),
    "float | FloatArray | None": (float, torch.Tensor, type(None)),
    "FloatArray": torch.Tensor,
    "FloatArray | None": (torch.Tensor, type(None)),
    "IntArray | None": (torch.Tensor, type(None)),
}


def save(
    net: nn.Module | SpikingNetwork,
    path: str | os.PathLike[str],
    *,
    encoder: Encoder | None = None,
    name: str | None = None,
    example_input: Any = None,
    task: str | None = None,
) -> None:
    """Write a network to a model file of plain values and tensors; equal networks give equal bytes.

    Args:
        net: the network, as from_module() takes it, or one that was read already, which keeps its encoder and name
            where none are given.
        path: the file; an older one is replaced once the new one is complete.
        encoder: how samples become its input, where that is known.
        name: the name of the network; by default the file's, without its suffix.
        example_input: an input that net takes, for any other module than a chain of layers; see from_module().
        task: what the network was trained on, as ``snn2rtl train`` calls it.

    Raises:
        UnsupportedModelError: something in the network has no exact hardware here, or compile could never take it.
        OutputError: the file cannot be written.
    """
    path = Path(path)
    if isinstance(net, SpikingNetwork):
        network = replace(net, name=name or net.name, encoder=encoder or net.encoder)
    else:
        network = from_module(
            net, name=path.stem if name is None else name, encoder=encoder, example_input=example_input
        )
    _refuse_what_never_compiles(network)
    buffer = io.BytesIO()  # torch.save would write a file's name into the file
    of_task = {} if task is None else {"task": task}
    torch.save({"format": FORMAT, "version": VERSION, **of_task, "network": _pack(to_dict(network))}, buffer)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(buffer.getbuffer())
        os.replace(unfinished, path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            unfinished.unlink()


def _refuse_what_never_compiles(network: SpikingNetwork) -> None:
    """Raise where nodes are out of place; where a convolution's input has no shape yet, that cannot be told."""
    if input_shape(network):
        to_layers(network)


def load(
    path: str | os.PathLike[str],
    *,
    arch: str | os.PathLike[str] | None = None,
    options: ReadOptions | None = None,
) -> SpikingNetwork:
    """Return the network in a model file.

    Args:
        path: what save() or ``torch.save(net)`` wrote, a state_dict, or a framework's own file.
        arch: for a state_dict, the text file that says what it cannot (see frontend/arch.py).
        options: for a framework's own file, what it leaves open.

    Raises:
        OptionError: the options leave something open, or there is nothing that they could say.
        ModelFileError: the file is missing, corrupt, or holds code, of which nothing runs.
        UnsupportedModelError: something in the network has no exact hardware here.
    """
    path, options = Path(path), options or ReadOptions()
    front_end = front_end_of_file(path)
    if front_end is None or not front_end.asks:
        options.refuse_all()
    if front_end is not None:
        if arch is not None:
            rule = f"must be a state_dict to go with --arch, not a file of {front_end.name}; leave --arch out"
            raise ModelFileError(f"{path}: {rule}")
        return front_end.load(path, options)
    content = untrusted.read_all(path)
    try:
        if not (isinstance(content, Mapping) and "format" in content):
            content = parts.network_in(content, whole=arch is None)
        untrusted.check(path, content)  # what else a training script saved does not matter
        return _network(path, content, None if arch is None else Path(arch))
    except (ModelFileError, UnsupportedModelError):
        raise
    except MemoryError as error:
        raise ModelFileError(f"{path}: asks for more memory than there is") from error
    except Exception as error:  # the file chose every value: whatever goes wrong with them, it is at fault
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise ModelFileError(f"{path}: is corrupt ({reason})") from error


def saved_task(path: str | os.PathLike[str]) -> Any:
    """Return what save() was told of the task, which may be anything in a file of others, or None.

    Raises:
        ModelFileError: the file is missing or corrupt.
    """
    if front_end_of_file(Path(path)) is not None:
        return None
    content = untrusted.read_all(Path(path))
    return content.get("task") if isinstance(content, Mapping) and content.get("format") == FORMAT else None


def _network(path: Path, content: Any, arch: Path | None) -> SpikingNetwork:
    if isinstance(content, Mapping) and "format" not in content:
        if arch is None and not parts.is_state_dict(content):
            *keys, last = map(repr, parts.KEYS)
            rule = f"must hold a network or a state_dict, alone or under {', '.join(keys)} or {last}"
            raise ModelFileError(f"{path}: {rule}, not {short(list(content))}")
        if arch is None:
            first = next(str(key).rpartition(".")[0] for key in content)
            raise ModelFileError(
                f"{path}: holds a state_dict, which does not say what its layers are; give --arch net.toml, a text "
                f'file with a table for each layer in order, such as: [[layer]] type = "Linear" name = "{first}"'
            )
        return architecture.build(arch, content, name=path.stem)
    if arch is not None:
        raise ModelFileError(f"{path}: must be a state_dict to go with --arch, not a whole network; leave --arch out")
    if isinstance(content, Mapping):
        return _unpack(path, content)
    return from_module(content, name=path.stem)


def _pack(value: Any) -> Any:
    """Return the value with its arrays as tensors, of float32 where that loses nothing."""
    if isinstance(value, dict):
        return {key: _pack(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_pack(item) for item in value]
    if isinstance(value, np.generic):  # a number out of an array, which a file of plain values must not hold
        return value.item()
    if isinstance(value, np.ndarray) and np.issubdtype(value.dtype, np.integer):
        return torch.from_numpy(value.astype(np.int64))
    if isinstance(value, np.ndarray):
        with np.errstate(over="ignore"):
            narrow = value.astype(np.float32)
        return torch.from_numpy(narrow if np.array_equal(narrow, value) else value.copy())
    return value


def _unpack(path: Path, content: Mapping[Any, Any]) -> SpikingNetwork:
    if content["format"] != FORMAT:
        raise ModelFileError(f"{path}: format must be '{FORMAT}', not {short(content['format'])}")
    if content["version"] != VERSION:
        found = content["version"]
        raise ModelFileError(f"{path}: format version must be {VERSION}, not {short(found)}; use a newer snn2rtl")
    network = content["network"]
    if not isinstance(network["name"], str):
        raise TypeError(f"name must be a string, not {short(network['name'])}")
    return from_dict({**network, "nodes": [_node(entry) for entry in network["nodes"]]})


def _node(entry: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(entry)
    for field in fields(NODE_TYPES[entry["type"]]):
        if is_absent(field, entry):
            continue
        key, value = f"layer '{entry['name']}': {field.name}", entry[field.name]
        if not isinstance(value, FIELD_TYPES[str(field.type)]):
            raise TypeError(f"{key} must be {field.type}, not {short(value)}")
        if isinstance(value, torch.Tensor):
            try:
                values[field.name] = to_array(value, whole=field.name == "delay")
            except TypeError as error:
                raise TypeError(f"{key} {error}") from error
    return values
