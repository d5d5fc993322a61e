"""Read a file of torch.save() that anybody may have written.

PyTorch's weights_only unpickler builds nothing but the classes that it is given. It is given shells of the layers that
we know, whose constructors do nothing, and empty classes for the other layers: the file can fill attributes, no more.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from snn2rtl.errors import ModelFileError
from snn2rtl.frontend.spikingjelly import CLASSES

StandIn = Callable[..., Any] | tuple[Callable[..., Any], str]


def read(path: Path) -> Any:
    """Return the content of the file; layers that we do not know are instances of empty classes of the same name.

    Raises:
        ModelFileError: the file is missing, corrupt, or holds anything but values, tensors and layers.
    """
    if not path.is_file():
        raise ModelFileError(f"{path}: must be a file, {'not a folder' if path.is_dir() else 'which does not exist'}")
    try:
        _check_archive(path)
        names = torch.serialization.get_unsafe_globals_in_checkpoint(path)
        with torch.serialization.safe_globals(_stand_ins(path, names)), warnings.catch_warnings(action="ignore"):
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


def _check_archive(path: Path) -> None:
    """Refuse files that are damaged or that unpack to more than they are."""
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


def _stand_ins(path: Path, names: list[str]) -> list[StandIn]:
    """Return what the unpickler shall build for each name that it does not know."""
    foreign = sorted(name for name in names if not name.startswith(("torch.nn.", "spikingjelly.")))
    if foreign:
        listed = ", ".join(f"'{name}'" for name in foreign)
        raise ModelFileError(
            f"{path}: must hold layers of PyTorch and SpikingJelly only, not {listed}, which could run code "
            "and was not loaded; write it with snn2rtl.save, or build the network as nn.Sequential"
        )
    known = {alias: cls for cls in CLASSES for alias in _aliases(cls)}
    return [(_shell(known[name]) if name in known else _empty(name), name) for name in names]


def _aliases(cls: type) -> list[str]:
    """Return the names of a class in files: SpikingJelly before 2.0.0 had one module for all neurons."""
    module = cls.__module__
    modules = [module, module.rpartition(".")[0]] if module.startswith("spikingjelly.") else [module]
    return [f"{module}.{cls.__qualname__}" for module in modules]


def _shell(cls: type) -> type:
    """Return a class whose constructor does nothing and whose instances become cls when the file fills them."""

    def fill(self: Any, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.__class__ = cls

    return type(cls.__name__, (cls,), {"__init__": lambda self, *_: None, "__setstate__": fill})


def _empty(full_name: str) -> type:
    """Return a class of that name whose instances hold nothing."""
    module, _, name = full_name.rpartition(".")
    body = {
        "__module__": module,
        "__new__": lambda cls, *_: object.__new__(cls),
        "__init__": lambda self, *_: None,
        "__setstate__": lambda self, _: None,
    }
    return type(name, (), body)
