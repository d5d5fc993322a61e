"""Decides the hardware of an integer network: lanes, places of neurons, layouts, widths and names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from snn2rtl.encoders import PIXEL_BITS
from snn2rtl.errors import OptionError
from snn2rtl.fixed_point import IntArray, signed_bits, unsigned_bits
from snn2rtl.intervals import charged_range, input_range, never_saturates
from snn2rtl.network import FixedPointNetwork, Layer, Leak, LifNeuron, MultiplierLeak, NoLeak, Reset, ShiftLeak
from snn2rtl.network_file import digest
from snn2rtl.options import RtlOptions
from snn2rtl.rtl import layouts, names
from snn2rtl.rtl.cost import entropy_bits
from snn2rtl.rtl.design import LayerDesign, NeuronModule, NeuronNumber, RtlDesign
from snn2rtl.rtl.layouts import LAYOUTS
from snn2rtl.rtl.memory import Memory
from snn2rtl.rtl.placement import place

BEAT_PIXELS = 8  # of 8 bits: beats of 64 bits
FORWARD_DISTANCE = 3  # cycles after which a lane's write is back in its memory


def plan(
    network: FixedPointNetwork, options: RtlOptions | None = None, placements: Sequence[IntArray] | None = None
) -> RtlDesign:
    """Return the hardware for a network.

    Args:
        network: the integer network.
        options: what the user wants.
        placements: the neuron at each place of each layer; by default those of place() without calibration data.

    Raises:
        OptionError: an option names a layer or a layout that does not exist, or is of pixels where spikes enter.
    """
    options = options or RtlOptions()
    labels = [layer.name for layer in network.layers]
    options.lanes.check_names("lanes", labels)
    options.layout.check_names("layout", labels)
    if options.beat_pixels and not network.is_direct:
        raise OptionError(f"--beat-pixels: must be left out where spikes enter the network, not {options.beat_pixels}")
    top = names.identifier(network.name) + "_top"
    streams = stream_names(network)
    layers: list[LayerDesign] = []
    inputs: IntArray = np.arange(network.num_inputs)
    if placements is None:
        placements = place(network, options)
    for index, (layer, placement) in enumerate(zip(network.layers, placements, strict=True)):
        prefix = f"{names.identifier(network.name)}_{streams[index]}"
        source = streams[index - 1] if index else "input"
        steps = network.encoder.time_steps if network.encoder and layer.input_max > 1 else 1
        layers.append(_plan_layer(layer, inputs, placement, prefix, streams[index], source, options, steps))
        inputs = placement
    return RtlDesign(
        label=names.comment(network.name),
        top=top,
        digest=digest(network),
        output=options.output,
        layers=tuple(layers),
        num_classes=network.num_classes,
        count_width=network.count_bits,
        beat_pixels=(options.beat_pixels or BEAT_PIXELS) if network.is_direct else 0,
    )


def stream_names(network: FixedPointNetwork) -> list[str]:
    """Return the name of each layer's spike stream."""
    reserved = ["input", "result", "s_axis", "m_axis", "top", "ingress", "readout"]
    return names.identifiers([layer.name for layer in network.layers], reserved=reserved)


def _plan_layer(
    layer: Layer,
    inputs: IntArray,
    placement: IntArray,
    prefix: str,
    stream: str,
    source: str,
    options: RtlOptions,
    steps: int,
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
    pixel_width = PIXEL_BITS if layer.input_max > 1 else 0
    bias_width = signed_bits(int(layer.bias.min()), int(layer.bias.max()))
    added_width = layer.weight_bits + pixel_width + layer.weight_shift
    state_width = max(neuron.membrane_bits, charged_range(layer).bits, bias_width, added_width)
    current_width = max(_current_bits(layer), bias_width, added_width) if pixel_width else state_width
    numbers = [("fire_at", neuron.fire_at, neuron.membrane_bits), ("reset_by", neuron.reset_by, neuron.membrane_bits)]
    numbers.append(("bias", layer.bias, current_width))
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
        current_width=current_width,
        pixel_width=pixel_width,
        steps=steps,
        neuron=_neuron_module(layer),
        numbers=tuple(_number(stream, name, values[placement], width, lanes) for name, values, width in numbers),
        layout=layout,
        costs=costs,
        entropy_bits=entropy_bits(weight[: len(placement)], layer.weight_bits),
        forward=int(layout.kind != "dense" or slots < FORWARD_DISTANCE),
    )


def _current_bits(layer: Layer) -> int:
    """Return the width that holds every sum of a bias and currents of inputs, in whatever order they come."""
    low, high = input_range(layer)
    return signed_bits(int(low.min()), int(high.max()))


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
