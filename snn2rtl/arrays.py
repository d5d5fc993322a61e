"""Arrays from .npz and .npy files that anybody may have written: nothing in them runs, every fault is one sentence.

NumPy's reader lets errors of a dozen kinds through, from those of zlib to those of Python's tokenizer. This one takes
what np.save, np.savez and np.savez_compressed write of booleans, numbers and texts.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snn2rtl.errors import DataError

ALONE = ""  # name of the array of a .npy file
_MAGIC = b"\x93NUMPY"
_LENGTHS = {b"\x01\x00": 2, b"\x02\x00": 4, b"\x03\x00": 4}  # version: bytes of the length of its header
_MAX_HEADER = 4096
_ENTRIES = re.compile(  # nothing is tried twice: a hostile header takes no longer than another
    r"""\s*+ \{ \s*+ (?:(?:
        ['"]descr['"] \s*+ : \s*+ ['"] (?P<descr> [^'"]*+) ['"]
        | ['"]fortran_order['"] \s*+ : \s*+ (?P<order> True|False)
        | ['"]shape['"] \s*+ : \s*+ \( (?P<shape> [\d,\s]*+) \)
    ) \s*+ (?: , \s*+ )?+ )++ \} \s*+""",
    re.VERBOSE | re.ASCII,
)
_MAX_AXES = 32
_MAX_BYTES = 1 << 62
_CHUNK = 1 << 20
_EXPANSION = 1032  # bytes that deflate can make of one
_KNOWN = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 1


class ArrayFile(Mapping[str, NDArray[Any]]):
    """The arrays of a file by name, each read when it is asked for; that of a .npy file has the name ALONE.

    Raises:
        DataError: the file cannot be read, or an array in it.
    """

    def __init__(self, path: Path, what: str = "a .npy or .npz file of arrays") -> None:
        """Open a file.

        Args:
            path: the file, or a stream such as /dev/stdin.
            what: what the file must be, for the sentence that says that it is not.
        """
        self._path, self._what = path, what
        self._stack = ExitStack()
        try:
            self._file = self._stack.enter_context(_opened(path))
            self._size = self._file.seek(0, io.SEEK_END)
            self._file.seek(0)
            is_npy = self._file.read(len(_MAGIC)) == _MAGIC
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
        self._entries: dict[str, zipfile.ZipInfo | None] = {ALONE: None} if is_npy else self._archived()

    def __enter__(self) -> ArrayFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __getitem__(self, name: str) -> NDArray[Any]:
        entry = self._entries[name]
        try:
            if entry is None:
                self._file.seek(0)
                return _read(self._file, self._size)
            _check(entry)
            with self._archive.open(entry) as member:
                return _read(member, entry.file_size)
        except _DamagedError as error:
            raise self._refusal(f"'{name}' {error}" if name else f"it {error}") from error
        except MemoryError as error:
            raise self._refusal("it asks for more memory than there is") from error
        except Exception as error:  # zipfile and its codecs raise all kinds for damaged bytes
            raise self._refusal(f"'{name}' is damaged" if name else "it is damaged") from error

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays, unpacked."""
        return sum(self._size if entry is None else entry.file_size for entry in self._entries.values())

    def _archived(self) -> dict[str, zipfile.ZipInfo | None]:
        try:
            self._archive = self._stack.enter_context(zipfile.ZipFile(self._file))
        except Exception as error:  # as above
            self._stack.close()
            reason = "it is damaged, cut off or another kind of file" if self._size else "it is empty"
            raise self._refusal(reason) from error
        return {entry.filename.removesuffix(".npy"): entry for entry in self._archive.infolist()}

    def _refusal(self, reason: str) -> DataError:
        return DataError(f"{self._path}: must be {self._what} ({reason})")


def map_array(path: Path) -> NDArray[Any]:
    """Return the array of a .npy file without reading it, read-only.

    Raises:
        DataError: the file cannot be read or holds no array.
    """
    try:
        with path.open("rb") as file:
            header = _header(file, path.stat().st_size)
        return np.memmap(path, header.dtype, "r", header.size, header.shape, header.order)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (_DamagedError, ValueError) as error:  # mmap takes no empty file
        raise DataError(f"{path}: must be a .npy file (it {error})") from error


class _DamagedError(Exception):
    """Bytes are no array; the message goes on after what holds them."""


class _Header(NamedTuple):
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    order: Literal["C", "F"]
    size: int  # of the header itself


def _opened(path: Path) -> IO[bytes]:
    """Open a file to go back and forth in, which a pipe cannot."""
    return path.open("rb") if path.is_file() or path.is_dir() else io.BytesIO(path.read_bytes())


def _check(entry: zipfile.ZipInfo) -> None:
    """Refuse what np.savez and np.savez_compressed never write."""
    if entry.flag_bits & _ENCRYPTED:
        raise _DamagedError("is encrypted")
    if entry.compress_type not in _KNOWN:
        raise _DamagedError("is compressed by another method than that of np.savez_compressed")
    if entry.file_size > _EXPANSION * (entry.compress_size + 1):
        raise _DamagedError(f"cannot unpack from {entry.compress_size} to {entry.file_size} bytes")


def _read(file: IO[bytes], size: int) -> NDArray[Any]:
    """Return the array of so many bytes of .npy."""
    header = _header(file, size)
    array = np.empty(math.prod(header.shape), header.dtype)
    target = array.view(np.uint8).data
    for first in range(0, len(target), _CHUNK):
        part = file.read(min(_CHUNK, len(target) - first))
        if first + len(part) != min(first + _CHUNK, len(target)):
            raise _DamagedError("is cut off")
        target[first : first + len(part)] = part
    if header.dtype.kind == "b":
        array = array.view(np.uint8) != 0  # a byte of 2 would be a third truth value
    return array.reshape(header.shape, order=header.order)


def _header(file: IO[bytes], size: int) -> _Header:
    """Return what the beginning of so many bytes of .npy says of the rest, which fits it."""
    start = file.read(len(_MAGIC) + 2)
    width = _LENGTHS.get(start[len(_MAGIC) :])
    if not start.startswith(_MAGIC) or width is None:
        raise _DamagedError("is no array of NumPy")
    length = int.from_bytes(file.read(width), "little")
    if length > _MAX_HEADER:
        raise _DamagedError(f"must have a header of at most {_MAX_HEADER} bytes, not {length}")
    text = file.read(length).decode("latin-1")
    own = len(start) + width + length
    found = _ENTRIES.fullmatch(text)
    if not found or None in found.groups():
        raise _DamagedError("must hold booleans, numbers or texts, and say so in its header")
    dtype, shape = _dtype(found["descr"]), tuple(map(int, re.findall(r"\d+", found["shape"])))
    if len(shape) > _MAX_AXES or math.prod(max(axis, 1) for axis in shape) * dtype.itemsize > _MAX_BYTES:
        raise _DamagedError("has a shape that no memory can hold")
    wanted = math.prod(shape) * dtype.itemsize
    if wanted != size - own:
        raise _DamagedError(f"must have {wanted} bytes for {dtype} of shape {shape}, not {size - own}")
    return _Header(dtype, shape, "F" if found["order"] == "True" else "C", own)


def _dtype(descr: str) -> np.dtype[Any]:
    """Return a type without objects, which could run code when they are read."""
    try:
        if not re.fullmatch(r"[|<>=]?[biufcSU][0-9]{1,6}", descr):
            raise TypeError
        dtype = np.dtype(descr)
    except TypeError:
        found = "Python objects, which could run code" if "O" in descr else f"{descr[:20]!r}"
        raise _DamagedError(f"must hold booleans, numbers or texts, not {found}") from None
    if dtype.itemsize == 0:
        raise _DamagedError("must hold more than texts of no letters")
    return dtype
