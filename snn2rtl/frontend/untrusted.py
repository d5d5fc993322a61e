"""Read a file of torch.save() that anybody may have written.

PyTorch's weights_only unpickler builds nothing but the classes that it is given. It is given shells of the layers that
we know, whose constructors do nothing, empty classes for other layers, and for all other names a stand-in that does
nothing: the file can fill attributes, no more.
"""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from snn2rtl.errors import ModelFileError
from snn2rtl.files import why_no_file
from snn2rtl.frontend import foreign_files
from snn2rtl.frontend.frameworks import FRONT_ENDS
from snn2rtl.frontend.frameworks.pytorch import WRAPPERS

StandIn = Callable[..., Any] | tuple[Callable[..., Any], str]
BLOCKED = ("os", "posix", "nt", "sys")  # PyTorch's unpickler takes nothing of these, not even a stand-in
ADVICE = "write it with snn2rtl.save(net, path, example_input=...), or name your code with --model"


class Foreign:
    """What stands for an object of a class, or for a function, that we do not know: it holds nothing."""

    full_name = ""

    def __new__(cls, *_: object) -> Foreign:  # noqa: D102
        return object.__new__(cls)

    def __init__(self, *_: object) -> None: ...

    def __setstate__(self, _: object) -> None: ...


def read(path: Path) -> Any:
    """Return the content of a file that holds nothing but values, tensors and layers.

    Raises:
        ModelFileError: as of read_all(), or the file holds anything else.
    """
    content = read_all(path)
    check(path, content)
    return content


def read_all(path: Path) -> Any:
    """Return the content of the file.

    Layers that we do not know are instances of empty classes of the same name; anything else is a Foreign.

    Raises:
        ModelFileError: the file is missing, corrupt, or no file of torch.save().
    """
    if not path.is_file():
        raise ModelFileError(f"{path}: must be a file, {why_no_file(path)}")
    try:
        _check_archive(path)
        names = torch.serialization.get_unsafe_globals_in_checkpoint(path)
        if any(name.partition(".")[0] in BLOCKED for name in names):
            _refuse(path, [name for name in names if not _is_layer(name)])
        with torch.serialization.safe_globals(_stand_ins(names)), warnings.catch_warnings(action="ignore"):
            return torch.load(path, map_location="cpu", weights_only=True)
    except ModelFileError:
        raise
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    except MemoryError as error:
        raise ModelFileError(f"{path}: asks for more memory than there is") from error
    except Exception as error:  # a broken file can make the unpickler raise almost anything
        # PyTorch puts its reason behind advice to load the file without weights_only.
        reason = str(error).rpartition("WeightsUnpickler error: ")[2].partition("\n")[0] or type(error).__name__
        raise ModelFileError(f"{path}: must be a file of snn2rtl.save or torch.save ({reason})") from error


def check(path: Path, part: object) -> None:
    """Refuse a part of the file's content that holds anything but values, tensors and layers.

    Raises:
        ModelFileError: it does; all is named.
    """
    _refuse(path, {name for item in _items(part) if (name := _foreign_name(item))})


def _foreign_name(item: object) -> str:
    cls = item if isinstance(item, type) else type(item)
    return cls.full_name if issubclass(cls, Foreign) else ""


def _items(part: object) -> Iterator[object]:
    """Yield a value and everything in it, each once, however deep it is nested."""
    todo, seen = [part], {id(part)}
    while todo:
        item = todo.pop()
        yield item
        inner: list[object] = []
        if isinstance(item, Mapping):
            inner = [*item.keys(), *item.values()]
        elif isinstance(item, list | tuple | set):
            inner = list(item)
        if not isinstance(item, type) and hasattr(item, "__dict__"):
            inner += vars(item).values()
        new = {id(value): value for value in inner if id(value) not in seen}
        seen |= new.keys()
        todo += new.values()


def _refuse(path: Path, foreign: list[str] | set[str]) -> None:
    if foreign:
        readable = [front_end.name for front_end in FRONT_ENDS.values() if front_end.saved]
        listed = ", ".join(f"'{name}'" for name in sorted(foreign))
        raise ModelFileError(
            f"{path}: must hold layers of {' and '.join(readable)} only, not {listed}, which could run code "
            f"and was not loaded; {foreign_files.advice(foreign) or ADVICE}"
        )


def _check_archive(path: Path) -> None:
    """Refuse files that are damaged, that unpack to more than they are, or that another tool wrote."""
    foreign_files.check(path)
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > path.stat().st_size:
                raise ModelFileError(f"{path}: must hold its tensors as they are, not compressed")
            damaged = archive.testzip()
    except zipfile.BadZipFile as error:
        advice = "it may be cut off, or written by PyTorch before 1.6"
        raise ModelFileError(f"{path}: must be a complete file of snn2rtl.save or torch.save; {advice}") from error
    if damaged:
        raise ModelFileError(f"{path}: is damaged in its part '{damaged}'")


def _stand_ins(names: list[str]) -> list[StandIn]:
    """Return what the unpickler shall build for each name that it does not know."""
    known = {_short(f"{cls.__module__}.{cls.__qualname__}"): cls for cls in _classes()}
    return [(_stand_in(name, known.get(_short(name))), name) for name in names]


def _stand_in(name: str, known: type | None) -> Callable[..., Any]:
    if known is not None:
        return _shell(known)
    if name in WRAPPERS:
        return _wrapper(name)
    if name in _PLAIN:
        return _PLAIN[name]
    return _empty(name) if _is_layer(name) else type(name, (Foreign,), {"full_name": name})


def _short(name: str) -> str:
    """Return a name without what differs between versions of its framework."""
    for front_end in FRONT_ENDS.values():
        name = front_end.saved_name(name)
    return name


def _is_layer(name: str) -> bool:
    """Return whether a class is of a framework whose layers are read from files."""
    return any(name.startswith(front_end.saved) for front_end in FRONT_ENDS.values())


def _classes() -> list[type]:
    """Return the classes that a file may hold objects of."""
    readable = [front_end for front_end in FRONT_ENDS.values() if front_end.saved]
    return [cls for one in readable for cls in (*one.containers, *one.layers, *one.parts)]


def _shell(cls: type) -> type:
    """Return a class whose constructor does nothing and whose instances become cls when the file fills them."""

    def fill(self: Any, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.__class__ = cls

    return type(cls.__name__, (cls,), {"__init__": lambda self, *_: None, "__setstate__": fill})


def _empty(full_name: str, base: type = object, **more: Any) -> type:
    """Return a class of that name whose instances hold nothing."""
    module, _, name = full_name.rpartition(".")
    body = {
        "__module__": module,
        "__new__": lambda cls, *_: object.__new__(cls),
        "__init__": lambda self, *_: None,
        "__setstate__": lambda self, _: None,
    }
    return type(name, (base,), {**body, **more})


def _wrapper(full_name: str) -> type:
    """Return a class of that name whose instances hold the module in them and nothing else."""
    key = WRAPPERS[full_name]

    def begin(self: Any, inner: object = None, *_: object) -> None:
        vars(self)["_modules"] = {key: inner}

    def fill(self: Any, state: dict[str, Any]) -> None:
        begin(self, state["_modules"][key])

    return _empty(full_name, nn.Module, __init__=begin, __setstate__=fill)


class _Dtype:
    """NumPy's dtype of a number; the name of any other is empty."""

    def __init__(self, code: str, *_: object) -> None:
        self.name = code if re.fullmatch(r"[biuf][1248]", code) else ""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.name = (">" if state[1] == ">" else "<") + self.name if self.name else ""


class _NotANumber(Foreign):
    full_name = "numpy.dtype"


def _scalar(dtype: _Dtype, data: bytes) -> bool | int | float | Foreign:
    """Return the number that a scalar of NumPy is; texts and dates are foreign."""
    if not dtype.name:
        return _NotANumber()
    number: bool | int | float = np.frombuffer(data, np.dtype(dtype.name))[0].item()
    return number


# Values of training scripts that are no code: numbers of NumPy 1 and 2, dictionaries and lists.
_PLAIN: dict[str, Callable[..., Any]] = {
    "numpy.core.multiarray.scalar": _scalar,
    "numpy._core.multiarray.scalar": _scalar,
    "numpy.dtype": _Dtype,
    "collections.defaultdict": lambda *_: {},
    "collections.deque": lambda *_: [],
}
