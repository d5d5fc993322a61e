"""network.npz: arrays of integers and a JSON header with a format version.

It is read without pickle, and equal networks give equal bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2rtl.encoders import Encoder
from snn2rtl.errors import ModelFileError, OptionError, QuantizationError
from snn2rtl.network import (
    FixedPointNetwork,
    Layer,
    Leak,
    LifNeuron,
    MultiplierLeak,
    NoLeak,
    Reset,
    ShiftLeak,
)

FORMAT_VERSION = 1
MAX_BYTES = 1 << 32  # of all arrays: a small archive that would fill the memory is no network
_LEAKS: dict[str, type[Leak]] = {"none": NoLeak, "shift": ShiftLeak, "multiplier": MultiplierLeak}
_ARRAYS = ("weight", "bias", "fire_at", "reset_by")


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
        content = io.BytesIO(path.read_bytes())
        size = sum(entry.file_size for entry in zipfile.ZipFile(content).infolist())
        if size > MAX_BYTES:
            raise ModelFileError(f"{path}: arrays must take at most {MAX_BYTES >> 30} GiB, not {size / 2**30:.1f} GiB")
        with np.load(content, allow_pickle=False) as arrays:
            header = json.loads(arrays["header"].tobytes())
            if header["format_version"] != FORMAT_VERSION:
                found = header["format_version"]
                raise ModelFileError(f"{path}: format version must be {FORMAT_VERSION}, not {found}")
            return _network(header, arrays)
    except ModelFileError:
        raise
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (QuantizationError, OptionError) as error:
        raise ModelFileError(f"{path}: holds an invalid network: {error}") from error
    except Exception as error:  # zipfile, zlib, json and NumPy raise all kinds for damaged bytes
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelFileError(f"{path}: must be a network.npz written by snn2rtl ({reason})") from error


def _parts(network: FixedPointNetwork) -> tuple[str, dict[str, NDArray[Any]]]:
    layers: list[dict[str, Any]] = []
    arrays: dict[str, NDArray[Any]] = {}
    for index, layer in enumerate(network.layers):
        neuron = layer.neuron
        values = (layer.weight, layer.bias, neuron.fire_at, neuron.reset_by)
        arrays |= {f"layer{index}_{key}": value for key, value in zip(_ARRAYS, values, strict=True)}
        kind = next(name for name, cls in _LEAKS.items() if isinstance(neuron.leak, cls))
        layers.append(
            {
                "name": layer.name,
                "weight_bits": layer.weight_bits,
                "weight_shift": layer.weight_shift,
                "neuron": "lif",
                "reset": neuron.reset.value,
                "leak": {"kind": kind, **asdict(neuron.leak)},
                "membrane_bits": neuron.membrane_bits,
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


def _network(header: dict[str, Any], arrays: Any) -> FixedPointNetwork:
    layers = []
    for index, entry in enumerate(header["layers"]):
        weight, bias, fire_at, reset_by = (arrays[f"layer{index}_{key}"] for key in _ARRAYS)
        name, leak = str(entry["name"]), dict(entry["leak"])
        if entry["neuron"] != "lif":
            raise QuantizationError(f"layer '{name}': neuron must be lif, not {entry['neuron']!r}")
        neuron = LifNeuron(
            fire_at=fire_at,
            reset_by=reset_by,
            reset=Reset(entry["reset"]),
            leak=_LEAKS[leak.pop("kind")](**{key: _integer(value) for key, value in leak.items()}),
            membrane_bits=_integer(entry["membrane_bits"]),
        )
        layers.append(
            Layer(
                name=name,
                weight=weight,
                weight_bits=_integer(entry["weight_bits"]),
                weight_shift=_integer(entry["weight_shift"]),
                bias=bias,
                neuron=neuron,
                input_max=_integer(entry.get("input_max", 1)),
            )
        )
    encoder = Encoder.from_dict(header["encoder"]) if header["encoder"] else None
    return FixedPointNetwork(
        name=str(header["name"]), layers=tuple(layers), count_bits=_integer(header["count_bits"]), encoder=encoder
    )


def _integer(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} must be an integer")
    return value
