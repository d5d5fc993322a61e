"""network.npz: arrays of integers and a JSON header with a format version.

It is read without pickle, and equal networks give equal bytes.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2rtl.arrays import ArrayFile
from snn2rtl.checks import named
from snn2rtl.encoders import Encoder
from snn2rtl.errors import DataError, ModelFileError, OptionError, QuantizationError
from snn2rtl.int_net.chain import DenseLayer, chain_of
from snn2rtl.int_net.network import FixedPointNetwork, Node
from snn2rtl.int_net.neurons import KINDS as NEURONS
from snn2rtl.int_net.neurons import Leak, Reset, Score
from snn2rtl.int_net.neurons.leaks import LEAKS
from snn2rtl.int_net.population import Connection, Input, Population
from snn2rtl.int_net.synapses import KINDS as SYNAPSES
from snn2rtl.pools import MaxPool, Sum, SumPool
from snn2rtl.windows import Windows

FORMAT_VERSION = 2  # 1 is a chain of fully connected layers
POOL_VERSION = 3  # of a network that pools currents, which a reader of version 2 would not notice
SUFFIX = ".npz"
MAX_BYTES = 1 << 32  # of all arrays: a small archive that would fill the memory is no network
_Entry = dict[str, Any]
_Arrays = dict[str, NDArray[Any]]
_NODES: dict[str, type[Node]] = {"population": Population, "max_pool": MaxPool, "sum_pool": SumPool, "sum": Sum}
_OLD_KEYS = {"adaptation_step": "grow"}  # of version 1
_OLD_LEAKS = {"shifts": "shift", "multipliers": "multiplier"}
_LEFT_OUT: dict[str, object] = {"refractory": 0}  # values that files leave out, as those from before them do
_ENUMS: dict[str, type[Reset] | type[Score]] = {"reset": Reset, "score": Score}


def is_named(path: Path) -> bool:
    """Return whether a path has the name of such a file, which ends in .npz or .NPZ."""
    return path.suffix.lower() == SUFFIX


def digest(network: FixedPointNetwork) -> str:
    """Return the SHA-256 (64 hexadecimal digits) of everything that the network computes, and of its names."""
    header, arrays = _parts(network)
    hasher = hashlib.sha256(header.encode())
    for key, array in arrays.items():
        hasher.update(f"{key}{array.dtype.str}{array.shape}".encode())
        hasher.update(np.ascontiguousarray(array).data)
    return hasher.hexdigest()


def save(network: FixedPointNetwork, path: Path) -> None:
    """Write the network to an .npz file."""
    header, arrays = _parts(network)
    named = {"header": np.frombuffer(header.encode(), np.uint8), **arrays}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for key, array in named.items():
            # ZipInfo without a time stamp: the same network gives the same bytes
            info = zipfile.ZipInfo(f"{key}.npy")
            info.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(info, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)


def load(path: Path) -> FixedPointNetwork:
    """Return the network of an .npz file.

    Raises:
        ModelFileError: the file is missing, not one of ours, of another version, or holds an invalid network.
    """
    try:
        with ArrayFile(path, "a network.npz written by snn2rtl") as arrays:
            if (size := arrays.nbytes) > MAX_BYTES:
                raise ModelFileError(
                    f"{path}: arrays must take at most {MAX_BYTES >> 30} GiB, not {size / 2**30:.1f} GiB"
                )
            if "header" not in arrays:
                raise ModelFileError(f"{path}: must be a network.npz written by snn2rtl (it has no header)")
            header = json.loads(arrays["header"].tobytes())
            match header["format_version"]:
                case 1:
                    return _chain(header, arrays)
                case 2 | 3:
                    return _network(header, arrays)
                case found:
                    raise ModelFileError(f"{path}: format version must be 1 to {POOL_VERSION}, not {found}")
    except ModelFileError:
        raise
    except DataError as error:
        raise ModelFileError(str(error)) from error
    except (QuantizationError, OptionError) as error:
        raise ModelFileError(f"{path}: holds an invalid network: {error}") from error
    except Exception as error:  # whatever goes wrong with the values of a header, the file chose them
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelFileError(f"{path}: must be a network.npz written by snn2rtl ({reason})") from error


def _parts(network: FixedPointNetwork) -> tuple[str, _Arrays]:
    nodes: list[_Entry] = []
    arrays: _Arrays = {}
    for index, node in enumerate(network.nodes):
        entry, found = _described(node)
        nodes.append({"kind": _key(_NODES, node), **entry})
        arrays |= {f"node{index}_{key}": value for key, value in found.items()}
    header = {
        "format_version": POOL_VERSION if any(layer.pool for layer in network.populations) else FORMAT_VERSION,
        "name": network.name,
        "input": {"shape": network.input.shape, "greatest": network.input.greatest},
        "count_bits": network.count_bits,
        "group": network.group,
        "encoder": network.encoder.to_dict() if network.encoder else None,
        "nodes": nodes,
    }
    return json.dumps(header, indent=1, sort_keys=True), arrays


def _key(table: Mapping[str, type[Any]], value: object) -> str:
    return next(key for key, cls in table.items() if type(value) is cls)


def _described(value: object, prefix: str = "") -> tuple[_Entry, _Arrays]:
    """Return the fields of a value: what the header holds, and the arrays, by the names of fields that lead there."""
    entry: _Entry = {}
    arrays: _Arrays = {}
    for key in (field.name for field in fields(value)):  # type: ignore[arg-type]
        part = getattr(value, key)
        inner: list[object] = []
        kind = ""
        if isinstance(part, np.ndarray):
            arrays[prefix + key] = part
        elif isinstance(part, Leak):
            inner, kind = [part], _key(LEAKS, part)
        elif isinstance(part, tuple(NEURONS.values())):
            inner, kind = [part], _key(NEURONS, part)
        elif isinstance(part, tuple(SYNAPSES.values())):
            inner, kind = [part], _key(SYNAPSES, part)
        elif isinstance(part, Windows):
            inner = [part]
        elif isinstance(part, tuple) and part and isinstance(part[0], Connection):
            described = [_described(one, f"{prefix}{key}{index}_") for index, one in enumerate(part)]
            entry[key] = [found for found, _ in described]
            arrays |= {name: array for _, found in described for name, array in found.items()}
        elif part is not None and _LEFT_OUT.get(key) != part:
            entry[key] = part.value if isinstance(part, Reset | Score) else part
        for one in inner:
            found, more = _described(one, f"{prefix}{key}_")
            entry[key] = {"kind": kind, **found} if kind else found
            arrays |= more
    return entry, arrays


def _chain(header: _Entry, arrays: Mapping[str, Any]) -> FixedPointNetwork:
    """Return the network of a file of version 1."""
    layers = []
    for index, entry in enumerate(header["layers"]):
        name, prefix = str(entry["name"]), f"layer{index}_"
        neuron = _read(_of(NEURONS, entry["neuron"], f"layer '{name}': neuron"), entry, arrays, prefix)
        layers.append(
            DenseLayer(
                name=name,
                weight=arrays[prefix + "weight"],
                weight_bits=_integer(entry["weight_bits"]),
                weight_shift=_integer(entry["weight_shift"]),
                bias=arrays[prefix + "bias"],
                neuron=neuron,
                input_max=_integer(entry.get("input_max", 1)),
                recurrent=arrays.get(prefix + "recurrent"),
                delay=arrays.get(prefix + "delay"),
            )
        )
    count_bits = _integer(header["count_bits"])
    return chain_of(name=str(header["name"]), layers=layers, count_bits=count_bits, encoder=_encoder(header))


def _network(header: _Entry, arrays: Mapping[str, Any]) -> FixedPointNetwork:
    nodes: list[Node] = []
    for index, described in enumerate(header["nodes"]):
        entry = dict(described)
        where = f"layer '{entry['name']}'"
        with named(where):
            cls = _of(_NODES, entry.pop("kind"), f"{where}: kind")
            nodes.append(_read(cls, entry, arrays, f"node{index}_"))
    entered = header["input"]
    return FixedPointNetwork(
        name=str(header["name"]),
        input=Input(shape=_integers(entered["shape"]), greatest=_integer(entered["greatest"])),
        nodes=tuple(nodes),
        count_bits=_integer(header["count_bits"]),
        group=_integer(header["group"]),
        encoder=_encoder(header),
    )


def _encoder(header: _Entry) -> Encoder | None:
    return Encoder.from_dict(header["encoder"]) if header["encoder"] else None


def _of(table: Mapping[str, type[Any]], kind: object, what: str) -> type[Any]:
    if kind not in table:
        known = f"{', '.join(list(table)[:-1])} or {list(table)[-1]}"
        raise QuantizationError(f"{what} must be {known}, not {kind!r}")
    return table[str(kind)]


def _read(cls: type[Any], entry: Mapping[str, Any], arrays: Mapping[str, Any], prefix: str) -> Any:
    """Return the value of a header's entry, the inverse of _described()."""
    values: _Entry = {}
    for key in (field.name for field in fields(cls)):
        stored = prefix + _OLD_KEYS.get(key, key) if prefix + key not in arrays else prefix + key
        if stored in arrays:
            values[key] = arrays[stored]
        elif key in entry:
            values[key] = _value(key, entry[key], arrays, f"{prefix}{key}")
    return cls(**values)


def _value(key: str, value: Any, arrays: Mapping[str, Any], prefix: str) -> Any:
    """Return a field of a header's entry: a value of ours, a string, a truth, or integers."""
    if key in _ENUMS:
        return _ENUMS[key](value)
    if isinstance(value, dict):
        return _part(key, value, arrays, f"{prefix}_")
    if key == "inputs":
        return tuple(_read(Connection, one, arrays, f"{prefix}{index}_") for index, one in enumerate(value))
    if key in ("name", "source", "sources"):
        return tuple(map(str, value)) if isinstance(value, list) else str(value)
    if key == "previous_step":
        return bool(value)
    return _integers(value) if isinstance(value, list) else _integer(value)


def _part(key: str, entry: Mapping[str, Any], arrays: Mapping[str, Any], prefix: str) -> Any:
    """Return a value of ours that stands in another: neurons, leaks, synapses, windows."""
    inner = dict(entry)
    tables: dict[str, Mapping[str, type[Any]]] = {"neuron": NEURONS, "synapses": SYNAPSES}
    cls: type[Any] = Windows
    if key not in ("windows", "pool"):
        kind = inner.pop("kind")
        cls = _of(tables.get(key, LEAKS), _OLD_LEAKS.get(kind, kind), key)
    if more := inner.keys() - {field.name for field in fields(cls)}:
        raise TypeError(f"{key} holds unknown {', '.join(more)}")
    return _read(cls, inner, arrays, prefix)


def _integers(values: object) -> tuple[int, ...]:
    if not isinstance(values, list):
        raise TypeError(f"{values!r} must be a list of integers")
    return tuple(_integer(value) for value in values)


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r} must be an integer")
    return value
