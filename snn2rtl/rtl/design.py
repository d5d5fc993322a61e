"""The hardware design: modules, memories, widths and names, all decided. Templates see nothing but these values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from snn2rtl.errors import OptionError
from snn2rtl.fixed_point import IntArray, signed_bits, unsigned_bits
from snn2rtl.intervals import charged_range, never_fires, never_saturates
from snn2rtl.network import FixedPointNetwork, Layer, Leak, LifNeuron, MultiplierLeak, NoLeak, Reset, ShiftLeak
from snn2rtl.network_file import digest
from snn2rtl.options import RtlOptions
from snn2rtl.rtl import layouts, names
from snn2rtl.rtl.layouts import LAYOUTS, Cost, Layout
from snn2rtl.rtl.memory import Memory

FORWARD_DISTANCE = 3  # cycles after which a lane's write is back in its memory


@dataclass(frozen=True, eq=False)
class NeuronNumber:
    """A number of every neuron (threshold, bias): a constant where all neurons share it, else a memory."""

    name: str
    width: int
    constant: str
    memory: Memory | None


@dataclass(frozen=True)
class NeuronModule:
    """A static neuron module and its parameters."""

    module: str
    parameters: tuple[tuple[str, int], ...]

    def comma(self, index: int) -> str:
        """Return the separator after parameter ``index``, counted from 1."""
        return "," if index < len(self.parameters) else ""


@dataclass(frozen=True, eq=False, kw_only=True)
class LayerDesign:
    """One layer in hardware. placement[p] is the neuron at place p = slot * lanes + lane."""

    label: str
    stream: str
    source: str
    module: str
    lanes: int
    slots: int
    num_inputs: int
    in_addr_width: int
    out_addr_width: int
    placement: IntArray
    weight_width: int
    weight_shift: int
    state_width: int
    membrane_width: int
    neuron: NeuronModule
    numbers: tuple[NeuronNumber, ...]
    layout: Layout
    costs: dict[str, Cost]
    forward: int

    @property
    def num_neurons(self) -> int:
        """Neurons that the hardware has; those that can never fire have none."""
        return len(self.placement)

    @property
    def slot_width(self) -> int:
        """Bits of a slot number."""
        return unsigned_bits(self.slots - 1)

    @property
    def queue_depth_width(self) -> int:
        """Address bits of the spike queue, which holds the words of two time steps."""
        return max(2, unsigned_bits(2 * self.slots - 1))

    @property
    def last_slot_lanes(self) -> str:
        """Literal with a bit set for each lane that has a neuron in the last slot."""
        used = self.num_neurons - (self.slots - 1) * self.lanes
        return f"{self.lanes}'h{(1 << used) - 1:x}"

    @property
    def words_per_row(self) -> IntArray:
        """Words that a spike of each input reads, shape (inputs,)."""
        return self.costs[self.layout.kind].words_per_row

    @property
    def memories(self) -> tuple[Memory, ...]:
        """The read-only memories of the layer."""
        numbers = tuple(number.memory for number in self.numbers if number.memory)
        return (*self.layout.memories, *numbers)

    @property
    def rom_bits(self) -> int:
        """Bits of all read-only memories of the layer."""
        return sum(memory.bits for memory in self.memories)

    @property
    def state_bits(self) -> int:
        """Bits of the layer's membrane memory."""
        return self.lanes * self.slots * self.state_width


@dataclass(frozen=True, eq=False, kw_only=True)
class RtlDesign:
    """The whole hardware."""

    label: str
    top: str
    digest: str
    output: str
    layers: tuple[LayerDesign, ...]
    num_classes: int
    count_width: int

    @property
    def num_inputs(self) -> int:
        """Inputs of the network."""
        return self.layers[0].num_inputs

    @property
    def in_addr_width(self) -> int:
        """Bits of an input address."""
        return self.layers[0].in_addr_width

    @property
    def in_data_width(self) -> int:
        """Bits of s_axis_tdata: address and end of step, in whole bytes."""
        return _bytes(self.in_addr_width + 1)

    @property
    def out_addr_width(self) -> int:
        """Bits of a class."""
        return self.layers[-1].out_addr_width

    @property
    def counts_width(self) -> int:
        """Bits of all counts."""
        return self.num_classes * self.count_width

    @property
    def last_stream(self) -> str:
        """Name of the last layer's stream."""
        return self.layers[-1].stream

    @cached_property
    def class_width(self) -> int:
        """Bits of the class in m_axis_tdata: whole bytes, so that counts start at one."""
        return _bytes(self.out_addr_width)

    @property
    def out_data_width(self) -> int:
        """Bits of m_axis_tdata."""
        match self.output:
            case "class":
                return self.class_width
            case "counts":
                return _bytes(self.class_width + self.counts_width)
            case _:
                return _bytes(self.out_addr_width + 1)

    @property
    def output_meaning(self) -> str:
        """What m_axis_tdata carries, in words."""
        match self.output:
            case "class":
                return "the class of the sample"
            case "counts":
                return (
                    f"bits {self.class_width - 1}:0 the class, from bit {self.class_width} on "
                    f"{self.num_classes} counts of {self.count_width} bits"
                )
            case _:
                return "spikes of the last layer, coded as on s_axis; m_axis_tlast closes the sample"

    @property
    def result_data(self) -> str:
        """Expression of m_axis_tdata for a class, with or without counts."""
        counts = "result_counts, " if self.output == "counts" else ""
        used = self.class_width + (self.counts_width if counts else 0)
        fill = _zeros(self.out_data_width - used)
        return f"{{{fill}{counts}{_zeros(self.class_width - self.out_addr_width)}result_class}}"

    @property
    def spikes_data(self) -> str:
        """Expression of m_axis_tdata for spikes."""
        fill = _zeros(self.out_data_width - self.out_addr_width - 1)
        stream = self.last_stream
        return f"{{{fill}{stream}_step_end, {stream}_step_end ? {self.out_addr_width}'d0 : {stream}_addr}}"

    @property
    def memories(self) -> tuple[Memory, ...]:
        """Every read-only memory."""
        return tuple(memory for layer in self.layers for memory in layer.memories)


def plan(network: FixedPointNetwork, options: RtlOptions | None = None) -> RtlDesign:
    """Return the hardware for a network.

    Raises:
        OptionError: an option names a layer or a layout that does not exist.
    """
    options = options or RtlOptions()
    labels = [layer.name for layer in network.layers]
    options.lanes.check_names("lanes", labels)
    options.layout.check_names("layout", labels)
    top = names.identifier(network.name) + "_top"
    streams = names.identifiers(labels, reserved=["input", "result", "s_axis", "m_axis", "top", "ingress", "readout"])
    layers: list[LayerDesign] = []
    inputs: IntArray = np.arange(network.num_inputs)
    for index, layer in enumerate(network.layers):
        last = index == len(network.layers) - 1
        placement = np.arange(layer.num_neurons) if last else _live(layer)
        prefix = f"{names.identifier(network.name)}_{streams[index]}"
        source = streams[index - 1] if index else "input"
        layers.append(_plan_layer(layer, inputs, placement, prefix, streams[index], source, options))
        inputs = placement
    return RtlDesign(
        label=names.comment(network.name),
        top=top,
        digest=digest(network),
        output=options.output,
        layers=tuple(layers),
        num_classes=network.num_classes,
        count_width=network.count_bits,
    )


def _live(layer: Layer) -> IntArray:
    """Return the neurons that can fire, at least one."""
    live = np.flatnonzero(~never_fires(layer))
    return live if len(live) else np.zeros(1, np.int64)


def _plan_layer(
    layer: Layer, inputs: IntArray, placement: IntArray, prefix: str, stream: str, source: str, options: RtlOptions
) -> LayerDesign:
    lanes = min(options.lanes[layer.name], len(placement))
    slots = -(-len(placement) // lanes)
    places = slots * lanes
    weight = np.zeros((places, len(inputs)), layer.weight.dtype)
    weight[: len(placement)] = layer.weight[np.ix_(placement, inputs)]
    costs = layouts.costs(weight, lanes, layer.weight_bits)
    kind = options.layout[layer.name]
    if kind == "auto":
        kind = layouts.cheapest(costs)
    elif kind not in LAYOUTS:
        raise OptionError(f"--layout: must be auto, {', '.join(LAYOUTS)}, not {kind}")
    layout = LAYOUTS[kind].build(stream, weight, lanes, layer.weight_bits)
    neuron = layer.neuron
    charged = max(charged_range(layer).bits, signed_bits(int(layer.bias.min()), int(layer.bias.max())))
    state_width = max(neuron.membrane_bits, charged, layer.weight_bits + layer.weight_shift)
    numbers = [("fire_at", neuron.fire_at, neuron.membrane_bits), ("reset_by", neuron.reset_by, neuron.membrane_bits)]
    numbers.append(("bias", layer.bias, state_width))
    return LayerDesign(
        label=names.comment(layer.name),
        stream=stream,
        source=source,
        module=prefix,
        lanes=lanes,
        slots=slots,
        num_inputs=len(inputs),
        in_addr_width=unsigned_bits(len(inputs) - 1),
        out_addr_width=unsigned_bits(len(placement) - 1),
        placement=placement,
        weight_width=layer.weight_bits,
        weight_shift=layer.weight_shift,
        state_width=state_width,
        membrane_width=neuron.membrane_bits,
        neuron=_neuron_module(layer),
        numbers=tuple(_number(stream, name, values[placement], width, lanes) for name, values, width in numbers),
        layout=layout,
        costs=costs,
        forward=int(layout.kind != "dense" or slots < FORWARD_DISTANCE),
    )


def _number(stream: str, name: str, values: IntArray, width: int, lanes: int) -> NeuronNumber:
    if (values == values[0]).all():
        return NeuronNumber(name, width, names.sized_int(int(values[0]), width), None)
    padded = np.zeros(-(-len(values) // lanes) * lanes, np.int64)
    padded[: len(values)] = values
    return NeuronNumber(name, width, "", Memory(f"{stream}_{name}", padded.reshape(-1, lanes), width))


def _neuron_module(layer: Layer) -> NeuronModule:
    match layer.neuron:
        case LifNeuron(reset=reset, leak=leak):
            kind, shift, factor = _leak_parameters(leak)
            parameters = (
                ("Saturate", int(not never_saturates(layer))),
                ("SoftReset", int(reset is Reset.SOFT)),
                ("LeakKind", kind),
                ("LeakShift", shift),
                ("LeakFactor", factor),
            )
            return NeuronModule("snn_lif", parameters)


def _leak_parameters(leak: Leak) -> tuple[int, int, int]:
    match leak:
        case NoLeak():
            return 0, 0, 0
        case ShiftLeak(shift):
            return 1, shift, 0
        case MultiplierLeak(factor, fraction):
            return 2, fraction, factor


def _bytes(bits: int) -> int:
    return -(-bits // 8) * 8


def _zeros(width: int) -> str:
    return f"{width}'d0, " if width else ""
