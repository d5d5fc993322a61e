"""Networks that are a chain of fully connected layers: built from those, and taken apart into them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from snn2rtl.checks import check, named
from snn2rtl.encoders import Encoder
from snn2rtl.fixed_point import IntArray
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.neurons import Neuron
from snn2rtl.int_net.population import MAX_VALUE, Connection, Input, Population
from snn2rtl.int_net.synapses import Dense
from snn2rtl.pools import INPUT


@dataclass(frozen=True, eq=False, kw_only=True)
class DenseLayer:
    """A fully connected population that reads what comes before it in a chain.

    weight has shape (neurons, inputs), bias (neurons,); recurrent, of shape (neurons, neurons), reads the layer's own
    spikes of the step before; delay, of shape (inputs,), are the steps after which an input arrives. input_max is the
    greatest value of an input. spike_value is what one of its own spikes counts beside values.
    """

    name: str
    weight: IntArray
    weight_bits: int
    weight_shift: int
    bias: IntArray
    neuron: Neuron
    input_max: int = 1
    recurrent: IntArray | None = None
    delay: IntArray | None = None
    spike_value: int | None = None

    def __post_init__(self) -> None:
        check(1 <= self.input_max <= MAX_VALUE,
              f"layer '{self.name}': input_max must be 1..{MAX_VALUE}, not {self.input_max}")  # fmt: skip
        made = self.population  # which checks everything else
        object.__setattr__(self, "weight", made.inputs[0].synapses.stored)
        object.__setattr__(self, "bias", made.bias)
        object.__setattr__(self, "delay", made.inputs[0].delay)
        if made.recurrent:
            object.__setattr__(self, "recurrent", made.recurrent.synapses.stored)

    @property
    def num_inputs(self) -> int:
        """Inputs of the layer."""
        return int(self.weight.shape[1])

    @property
    def num_neurons(self) -> int:
        """Neurons of the layer."""
        return int(self.weight.shape[0])

    @cached_property
    def population(self) -> Population:
        """The layer as a population that reads the network's input."""
        return self.reading(INPUT)

    def reading(self, source: str) -> Population:
        """Return the layer as a population that reads a source."""
        with named(f"layer '{self.name}'"):
            synapses = Dense(self.weight)
            inputs = [Connection(source=source, synapses=synapses, greatest=self.input_max, delay=self.delay)]
            if self.recurrent is not None:
                back = Connection(
                    source=self.name, synapses=Dense(self.recurrent), previous_step=True, spike_value=self.spike_value
                )
                inputs.append(back)
            return Population(
                name=self.name,
                shape=(synapses.num_neurons,),
                inputs=tuple(inputs),
                weight_bits=self.weight_bits,
                weight_shift=self.weight_shift,
                bias=self.bias,
                neuron=self.neuron,
            )


def chain_of(
    *, name: str, layers: Sequence[DenseLayer], count_bits: int, encoder: Encoder | None = None
) -> FixedPointNetwork:
    """Return the network in which each layer reads the one before it."""
    check(len(layers) > 0, "network: must have at least one layer, not none")
    sources = (INPUT, *(layer.name for layer in layers))
    nodes = tuple(layer.reading(source) for layer, source in zip(layers, sources, strict=False))
    entered = Input(shape=(layers[0].num_inputs,), greatest=layers[0].input_max)
    return FixedPointNetwork(name=name, input=entered, nodes=nodes, count_bits=count_bits, encoder=encoder)


def layers_of(network: FixedPointNetwork) -> tuple[DenseLayer, ...]:
    """Return the layers of a chain.

    Raises:
        QuantizationError: the network is none.
    """
    layers, source = [], INPUT
    for node in network.nodes:
        where = f"layer '{node.name}': must be fully connected to '{source}' alone"
        check(isinstance(node, Population) and [one.source for one in node.forward] == [source], where)
        assert isinstance(node, Population)
        check(node.pool is None, f"{where}, not through a pool of currents")
        synapses = [connection.synapses for connection in node.inputs]
        check(all(isinstance(one, Dense) for one in synapses), where)
        layers.append(
            DenseLayer(
                name=node.name,
                weight=synapses[0].stored,
                weight_bits=node.weight_bits,
                weight_shift=node.weight_shift,
                bias=node.bias,
                neuron=node.neuron,
                input_max=node.inputs[0].greatest,
                recurrent=node.recurrent.synapses.stored if node.recurrent else None,
                delay=node.inputs[0].delay,
                spike_value=node.recurrent.spike_value if node.recurrent else None,
            )
        )
        source = node.name
    return tuple(layers)


def with_layers(network: FixedPointNetwork, layers: Sequence[DenseLayer], **changes: Any) -> FixedPointNetwork:
    """Return a chain of other layers that is else like a network, but for changes to name, count_bits or encoder."""
    kept = {"name": network.name, "count_bits": network.count_bits, "encoder": network.encoder}
    return chain_of(layers=layers, **{**kept, **changes})
