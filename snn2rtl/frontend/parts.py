"""Find the network in what a training script saved, and the names of its layers in a state_dict."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

# Under these keys, training scripts keep the network beside the optimizer, the epoch and the best accuracy.
KEYS = ("state_dict", "model_state_dict", "model", "net", "network", "weights")
_MAX_DEPTH = 4
_COMPILED = "_orig_mod"  # what torch.compile puts into names, wherever a compiled module is


def network_in(content: object, *, whole: bool) -> object:
    """Return the network in the content of a file, or the content itself where none is found.

    A network is a module or a state_dict: the content, else what is under one of KEYS, else the only one under any key.

    Args:
        content: what the file holds.
        whole: whether a module is wanted rather than a state_dict, where there are both.
    """
    found = list(_networks(content, _MAX_DEPTH))
    if not found and isinstance(content, Mapping):
        others = [value for value in content.values() if isinstance(value, nn.Module) or is_state_dict(value)]
        found = others if len(others) == 1 else []
    wanted = (part for part in found if isinstance(part, nn.Module) == whole)
    return next(wanted, found[0] if found else content)


def _networks(content: object, depth: int) -> Iterator[object]:
    if isinstance(content, nn.Module):
        yield content
    elif isinstance(content, Mapping) and depth:
        for key in KEYS:
            if isinstance(content.get(key), Mapping | nn.Module):
                yield from _networks(content[key], depth - 1)
        if is_state_dict(content):
            yield content


def is_state_dict(value: object) -> bool:
    """Return whether a value has tensors by name, and nothing that would have them in its turn."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        return False
    items = value.values()
    return any(isinstance(item, Tensor) for item in items) and not any(
        isinstance(item, Mapping | nn.Module) for item in items
    )


def plain_names(state_dict: Mapping[Any, Any], layers: Sequence[object]) -> Mapping[Any, Any]:
    """Return the state_dict under the names that the layers have.

    A wrapper (DataParallel, torch.compile, a LightningModule) puts a name of its own before all of them, which goes.

    Args:
        state_dict: tensors by name.
        layers: names of the layers.
    """
    names = {key: [part for part in str(key).split(".") if part != _COMPILED] for key in state_dict}
    while names and not _fit(names.values(), layers):
        if len({parts[0] for parts in names.values()}) > 1 or min(map(len, names.values())) < 2:
            return state_dict
        names = {key: parts[1:] for key, parts in names.items()}
    renamed = {".".join(names[key]): value for key, value in state_dict.items()}
    return renamed if len(renamed) == len(state_dict) else state_dict


def _fit(names: Collection[list[str]], layers: Sequence[object]) -> bool:
    """Return whether a name is that of a tensor of a layer."""
    return any(".".join(parts[:-1]) in layers for parts in names)
