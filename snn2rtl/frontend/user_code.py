"""A network made by the user's own code, which the user names: package.module:function."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from snn2rtl.errors import ModelFileError, OptionError, Snn2RtlError
from snn2rtl.frontend import parts, untrusted


def build(spec: str, weights: Path | None) -> tuple[nn.Module, Any]:
    """Return the network that a function makes, with the weights of a file, and an input if it gives one, too.

    Modules are looked for in the current folder first, as ``python -m`` does.

    Args:
        spec: "package.module:function"; the function, or class, takes no arguments and returns a module, or a module
            and an example of its input.
        weights: a file of a state_dict, alone or as training scripts write it.

    Raises:
        OptionError: there is no such function, or it fails.
        ModelFileError: the file holds other tensors than the network has.
    """
    made = _call(spec)
    net, example = made if isinstance(made, tuple) and len(made) == 2 else (made, None)
    if not isinstance(net, nn.Module):
        raise OptionError(f"--model: {spec} must return a module, or a module and an input, not {type(made).__name__}")
    if weights is not None:
        _load_weights(net, weights)
    return net, example


def _call(spec: str) -> Any:
    module, _, function = spec.partition(":")
    if not module or not function:
        raise OptionError(f"--model: must be package.module:function, not {spec!r}")
    sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(module)
        for key in function.split("."):
            found = getattr(found, key)
        return found()
    except Snn2RtlError:
        raise
    except Exception as error:  # the code is the user's
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        advice = "; it needs a torchvision built for this torch" if "torchvision" in reason else ""
        raise OptionError(f"--model: {spec} must run, not end in {reason}{advice}") from error
    finally:
        sys.path.remove(os.getcwd())


def _load_weights(net: nn.Module, path: Path) -> None:
    content = parts.network_in(untrusted.read_all(path), whole=False)
    untrusted.check(path, content)
    if not isinstance(content, Mapping) or not parts.is_state_dict(content):
        raise ModelFileError(f"{path}: must hold a state_dict, not a {type(content).__name__}")
    own = net.state_dict()
    state = parts.plain_names(content, [key.rpartition(".")[0] for key in own])
    problems = [f"must have a tensor '{key}', which is missing" for key in own.keys() - state.keys()]
    problems += [f"must have no tensor '{key}', which the network lacks" for key in state.keys() - own.keys()]
    problems += [
        f"'{key}' must have shape {tuple(own[key].shape)}, not {tuple(state[key].shape)}"
        for key in own.keys() & state.keys()
        if isinstance(state[key], torch.Tensor) and state[key].shape != own[key].shape
    ]
    if problems:
        raise ModelFileError("\n".join(f"{path}: {problem}" for problem in sorted(problems)))
    # assign: a network in float32 keeps weights of float64 whole
    net.load_state_dict(dict(state), assign=True)
