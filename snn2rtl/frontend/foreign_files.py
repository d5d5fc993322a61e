"""Name the files of other tools, and say what to do with them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from snn2rtl.errors import ModelFileError
from snn2rtl.frontend.layers import UNREAD, with_neurons

_BUILD = "build the network of {} layers, give it these weights and write it with snn2rtl.save"
_EAGER = "load the weights into the Python class that it was made of, and write that with torch.save"
# The first bytes of a file, where in it they stand, what it is, and what to do.
_STARTS: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"\x89HDF\r\n\x1a\n", "HDF5, as Keras and NIR write it",
     _BUILD + "; a graph of NIR must be named FILE.nir"),
    (4, b"TFL3", "a model of TensorFlow Lite", _BUILD),
    (0, b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "one of PyTorch before 1.6",
     "load it with torch.load and write it again with torch.save"),
    (0, b"\x1f\x8b", "a compressed one", "unpack it first"),
    (0, b"BZh", "a compressed one", "unpack it first"),
    (0, b"\xfd7zXZ", "a compressed one", "unpack it first"),
    (0, b"\x28\xb5\x2f\xfd", "a compressed one", "unpack it first"),
    (8, b'{"', "safetensors",
     "load it with safetensors.torch.load_file, write that with torch.save, and describe its layers with --arch"),
)  # fmt: skip
_ONNX_FIELDS = b"\x12\x1a\x22\x2a\x32\x3a\x42"  # what follows the version: names, documentation, graph, opset


def check(path: Path) -> None:
    """Refuse a file that another tool wrote, where its first bytes or its parts tell.

    Raises:
        ModelFileError: it is such a file.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(64)
    found = _in_archive(path) if start.startswith(b"PK") else _by_start(start)
    if found:
        what, todo = found
        raise ModelFileError(
            f"{path}: must be a file of snn2rtl.save or torch.save, not {what}; {todo.format(with_neurons())}"
        )


def _by_start(start: bytes) -> tuple[str, str] | None:
    for place, magic, what, todo in _STARTS:
        if start[place:].startswith(magic):
            return what, todo
    # a protocol buffer has no magic number: the field 1 of a model is its version, a small number
    is_model = len(start) > 3 and start[0] == 8 and start[1] < 32 and start[2] in _ONNX_FIELDS
    return ("ONNX", _BUILD) if is_model else None


def _in_archive(path: Path) -> tuple[str, str] | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        return None
    for has, what, todo in _ARCHIVES:
        if has(names):
            return what, todo
    return None


# Whether an archive has the parts that a tool writes, what it is, and what to do.
_ARCHIVES: tuple[tuple[Callable[[list[str]], bool], str, str], ...] = (
    (lambda names: any(name.endswith("/constants.pkl") for name in names),
     "a program of torch.jit (torchscript)", _EAGER),
    (lambda names: any(name.endswith(("serialized_exported_program.json", "archive_format")) for name in names),
     "a program of torch.export", _EAGER),
    (lambda names: {"metadata.json", "config.json"} <= {*names}, "a model of Keras", _BUILD),
    (lambda names: bool(names) and all(name.endswith(".npy") for name in names), "arrays of NumPy",
     "name the file of an integer network FILE.npz; for weights write a state_dict of tensors with torch.save"),
)  # fmt: skip


def advice(classes: Iterable[str]) -> str:
    """Return what to do with classes of other frameworks, which snn2rtl.save does not take either; else nothing."""
    if any(name.partition(".")[0] in UNREAD for name in classes):
        return f"build the network of {with_neurons()} layers, and write it with snn2rtl.save"
    return ""
