"""How often the registers of each layer toggle, counted by Verilator."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from snn2rtl.data.samples import Samples
from snn2rtl.errors import OptionError
from snn2rtl.folder import OutputFolder
from snn2rtl.verify.engines import Stalls, build

_NET = re.compile(r"\((\w+)\S* .*\(TC (\d+)\)\)")
_REGISTER = re.compile(r"\w+_q\d*")
# registers that are outputs, by the instance that has them; what a memory holds and gives is not counted
_OUTPUTS = {
    "u_neuron": ("spike_o", "next_o"),
    "u_bank_select": ("data_o",),
    "u_rows": ("push_o", "start_o", "count_o"),
    "u_split": ("group_spikes_o",),
    "u_product": ("product_o",),
}
_NUMBERS = ("fire_at", "reset_by", "bias")  # of the neurons, in a layer itself; constants never toggle
_LAYER_DEPTH = 3  # TOP, replay, u_dut


def register_toggles(folder: OutputFolder, samples: Samples) -> dict[str, float]:
    """Return how many register bits of each layer toggle for a sample, by the layer's stream: a mean.

    Raises:
        OptionError: the network takes pixels, which the replay bench does not.
        ToolNotFoundError, ToolFailedError: Verilator is missing or broken.
    """
    if folder.network.is_direct:
        raise OptionError("--toggles: must be left out for a directly coded network")
    spikes = samples.inputs(0, len(samples))
    simulator = build(folder, "verilator", trace="saif")
    saif = simulator.workspace.path / "toggles.saif"
    simulator.run(spikes, Stalls(), saif)
    with saif.open(encoding="utf-8") as file:
        counts = count(file)
    return {layer.stream: counts[f"u_{layer.stream}"] / len(samples) for layer in folder.design.layers}


def count(saif: Iterable[str]) -> Counter[str]:
    """Return the toggles of all registers below each instance of the network's top, from the lines of a SAIF file."""
    counts: Counter[str] = Counter()
    scopes: list[str] = []
    for line in map(str.strip, saif):
        if line.startswith("(INSTANCE "):
            scopes.append(line.split()[1])
        elif line == "(NET":
            scopes.append("")
        elif line == ")":
            scopes = scopes[:-1]
        elif len(scopes) > _LAYER_DEPTH + 1 and (net := _NET.fullmatch(line)):
            name, toggles = net.groups()
            layer_itself = len(scopes) == _LAYER_DEPTH + 2
            outputs = _NUMBERS if layer_itself else _OUTPUTS.get(scopes[-2], ())
            if _REGISTER.fullmatch(name) or name in outputs:
                counts[scopes[_LAYER_DEPTH]] += int(toggles)
    return counts
