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
from snn2rtl.encoders import Encoder
from snn2rtl.errors import DataError, ModelFileError, OptionError, QuantizationError
from snn2rtl.int_net.network import (
    AdaptiveLifNeuron,
    CurrentIntegrator,
    CurrentLifNeuron,
    FixedPointNetwork,
    Integrator,
    Layer,
    Leak,
    LifNeuron,
    MultiplierLeak,
    MultiplierLeaks,
    Neuron,
    NoLeak,
    Reset,
    Score,
    ShiftLeak,
    ShiftLeaks,
)

FORMAT_VERSION = 1
SUFFIX = ".npz"
MAX_BYTES = 1 << 32  # of all arrays: a small archive that would fill the memory is no network
_LEAKS: dict[str, type[Leak]] = {
    "none": NoLeak,
    "shift": ShiftLeak,
    "multiplier": MultiplierLeak,
    "shifts": ShiftLeaks,
    "multipliers": MultiplierLeaks,
}
_NEURONS: dict[str, type[Neuron]] = {
    "lif": LifNeuron,
    "adaptive": AdaptiveLifNeuron,
    "current": CurrentLifNeuron,
    "integrator": Integrator,
    "current_integrator": CurrentIntegrator,
}
_OPTIONAL = ("recurrent", "delay")
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
            header = json.loads(arrays["header"].tobytes())
            if header["format_version"] != FORMAT_VERSION:
                found = header["format_version"]
                raise ModelFileError(f"{path}: format version must be {FORMAT_VERSION}, not {found}")
            return _network(header, arrays)
    except ModelFileError:
        raise
    except DataError as error:
        raise ModelFileError(str(error)) from error
    except (QuantizationError, OptionError) as error:
        raise ModelFileError(f"{path}: holds an invalid network: {error}") from error
    except Exception as error:  # whatever goes wrong with the values of a header, the file chose them
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelFileError(f"{path}: must be a network.npz written by snn2rtl ({reason})") from error


def _parts(network: FixedPointNetwork) -> tuple[str, dict[str, NDArray[Any]]]:
    layers: list[dict[str, Any]] = []
    arrays: dict[str, NDArray[Any]] = {}
    for index, layer in enumerate(network.layers):
        entry, found = _described(layer.neuron)
        own = {key: getattr(layer, key) for key in ("weight", "bias", *_OPTIONAL)}
        found = {key: array for key, array in own.items() if array is not None} | found
        arrays |= {f"layer{index}_{key}": value for key, value in found.items()}
        layers.append(
            {
                "name": layer.name,
                "weight_bits": layer.weight_bits,
                "weight_shift": layer.weight_shift,
                "neuron": next(kind for kind, cls in _NEURONS.items() if type(layer.neuron) is cls),
                **entry,
                **({"input_max": layer.input_max} if layer.input_max != 1 else {}),
            }
        )
    header = {
        "format_version": FORMAT_VERSION,
        "name": network.name,
        "count_bits": network.count_bits,
        "encoder": network.encoder.to_dict() if network.encoder else None,
        "layers": layers,
    }
    return json.dumps(header, indent=1, sort_keys=True), arrays


def _described(value: Neuron | Leak, prefix: str = "") -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the fields of a neuron or a leak: what the header holds, and the arrays, those of a leak with its name."""
    entry: dict[str, Any] = {}
    arrays: dict[str, NDArray[Any]] = {}
    for key in (field.name for field in fields(value)):
        part = getattr(value, key)
        if isinstance(part, np.ndarray):
            arrays[prefix + key] = part
        elif isinstance(part, Leak):
            kind = next(name for name, cls in _LEAKS.items() if isinstance(part, cls))
            inner, found = _described(part, f"{key}_")
            entry[key] = {"kind": kind, **inner}
            arrays |= found
        else:
            entry[key] = part.value if isinstance(part, Reset | Score) else part
    return entry, arrays


def _network(header: dict[str, Any], arrays: Mapping[str, Any]) -> FixedPointNetwork:
    layers = []
    for index, entry in enumerate(header["layers"]):
        name, prefix = str(entry["name"]), f"layer{index}_"
        if entry["neuron"] not in _NEURONS:
            known = f"{', '.join(list(_NEURONS)[:-1])} or {list(_NEURONS)[-1]}"
            raise QuantizationError(f"layer '{name}': neuron must be {known}, not {entry['neuron']!r}")
        layers.append(
            Layer(
                name=name,
                weight=arrays[prefix + "weight"],
                weight_bits=_integer(entry["weight_bits"]),
                weight_shift=_integer(entry["weight_shift"]),
                bias=arrays[prefix + "bias"],
                neuron=_read(_NEURONS[entry["neuron"]], entry, arrays, prefix),
                input_max=_integer(entry.get("input_max", 1)),
                **{key: arrays.get(prefix + key) for key in _OPTIONAL},
            )
        )
    encoder = Encoder.from_dict(header["encoder"]) if header["encoder"] else None
    return FixedPointNetwork(
        name=str(header["name"]), layers=tuple(layers), count_bits=_integer(header["count_bits"]), encoder=encoder
    )


def _read(cls: type[Any], entry: Mapping[str, Any], arrays: Mapping[str, Any], prefix: str) -> Any:
    """Return the neuron or the leak of a header's entry, the inverse of _described()."""
    values: dict[str, Any] = {}
    for key in (field.name for field in fields(cls)):
        if prefix + key in arrays:
            values[key] = arrays[prefix + key]
        elif isinstance(entry[key], dict):
            inner = dict(entry[key])
            values[key] = _read(_LEAKS[inner.pop("kind")], inner, arrays, f"{prefix}{key}_")
            if more := inner.keys() - vars(values[key]):
                raise TypeError(f"{key} holds unknown {', '.join(more)}")
        else:
            values[key] = _ENUMS[key](entry[key]) if key in _ENUMS else _integer(entry[key])
    return cls(**values)


def _integer(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} must be an integer")
    return value
