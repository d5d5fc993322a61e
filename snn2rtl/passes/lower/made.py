"""What the walk has made so far: layers, pools and sums, and what is known of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NoReturn

from snn2rtl.encoders import Encoder
from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.layered import FloatLayer, FloatNode, LayeredNetwork, greatest_values
from snn2rtl.float_net.nodes import Integrator, Node
from snn2rtl.pools import INPUT, SumPool
from snn2rtl.windows import Shape


@dataclass
class Made:
    """nodes: in order. shape, greatest: of the network's input. encoder: what makes the input."""

    shape: Shape
    greatest: int
    encoder: Encoder | None
    nodes: list[FloatNode] = field(default_factory=list)

    def are_pixels(self, source: str) -> bool:
        """Return whether a source's values are pixels or 8-bit values, not spikes or counts."""
        return source == INPUT and self.encoder is not None and self.encoder.kind != "poisson"

    @property
    def holds_pixels(self) -> bool:
        """Whether the input's pixels are the same in every step, summed once a sample."""
        return self.encoder is not None and self.encoder.kind == "direct"

    def are_spikes(self, source: str) -> bool:
        """Return whether a source's values are 0 or 1."""
        nodes = tuple(self.nodes)
        so_far = LayeredNetwork(name="", shape=self.shape, nodes=nodes, greatest=self.greatest, encoder=self.encoder)
        return greatest_values(so_far)[source] == 1

    def check_sources(self, sources: Iterable[str]) -> None:
        """Raise UnsupportedModelError where a source is a layer of integrators, which never spike, or sums of them."""
        layers = {node.name: node.neuron for node in self.nodes if isinstance(node, FloatLayer)}
        for node in self.nodes:
            if isinstance(node, SumPool) and node.source in layers:
                layers[node.name] = layers[node.source]
        ends = {one.name for source in sources if isinstance(one := layers.get(source), Integrator)}
        if ends:
            rule = "an Integrator must be the last layer, for it never fires"
            raise UnsupportedModelError([f"layer '{name}': {rule}" for name in sorted(ends)])

    def free_name(self, *names: str) -> str:
        """Return the first of the names that no node has, or one made of the last."""
        used = {node.name for node in self.nodes}
        return next((name for name in names if name not in used), f"{names[-1]}_{len(used)}")


def refuse(node: Node, rule: str) -> NoReturn:
    """Raise UnsupportedModelError for a node."""
    raise UnsupportedModelError([f"layer '{node.name}': {rule}"])
