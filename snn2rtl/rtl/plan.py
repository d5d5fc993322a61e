"""Decides the hardware of an integer network: lanes, places of neurons, layouts, widths and names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from snn2rtl.errors import OptionError, UnsupportedModelError
from snn2rtl.fixed_point import IntArray, unsigned_bits
from snn2rtl.int_net.network import FixedPointNetwork, Integrator, Layer
from snn2rtl.int_net.network_file import digest
from snn2rtl.options import RtlOptions
from snn2rtl.rtl import layouts, names
from snn2rtl.rtl.cost import entropy_bits
from snn2rtl.rtl.design import RtlDesign
from snn2rtl.rtl.layer_design import Delays, LayerDesign, NeuronNumber
from snn2rtl.rtl.layouts import LAYOUTS
from snn2rtl.rtl.memory import Memory
from snn2rtl.rtl.neuron_modules import Number, neuron_module, scores
from snn2rtl.rtl.placement import place
from snn2rtl.rtl.widths import current_width, pixel_width, state_width

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
        OptionError: an option names a layer or a layout that does not exist, or does not go with the network.
        UnsupportedModelError: a layer of pixels is recurrent or of integrators.
    """
    options = options or RtlOptions()
    labels = [layer.name for layer in network.layers]
    options.lanes.check_names("lanes", labels)
    options.layout.check_names("layout", labels)
    if options.beat_pixels and not network.takes_pixels:
        raise OptionError(f"--beat-pixels: must be left out where spikes enter the network, not {options.beat_pixels}")
    if options.output == "spikes" and isinstance(network.layers[-1].neuron, Integrator):
        raise OptionError(f"--output: must be class or counts where layer '{labels[-1]}' never spikes, not spikes")
    _check_pixels(network)
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
        count_width=network.readout_bits,
        beat_pixels=(options.beat_pixels or BEAT_PIXELS) if network.takes_pixels else 0,
        encoder=network.encoder if network.takes_pixels else None,
    )


def _check_pixels(network: FixedPointNetwork) -> None:
    """Raise UnsupportedModelError where pixels enter a layer that must add or wait between the steps of a sample."""
    if not network.is_direct:
        return
    layer, problems = network.layers[0], []
    if layer.recurrent is not None:
        problems.append(f"layer '{layer.name}': must not be recurrent where pixels enter it; put a layer before it")
    if isinstance(layer.neuron, Integrator):
        problems.append(f"layer '{layer.name}': must spike where pixels enter it, not integrate; put a layer before it")
    if problems:
        raise UnsupportedModelError(problems)


def stream_names(network: FixedPointNetwork) -> list[str]:
    """Return the name of each layer's spike stream."""
    reserved = ["input", "result", "s_axis", "m_axis", "top", "ingress", "encoder", "readout"]
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
    lanes = options.lanes_of(layer.name, len(placement))
    slots = -(-len(placement) // lanes)
    places = slots * lanes
    rows = layer.rows[np.ix_(placement, layer.rows_of(inputs, placement))]
    weight = np.zeros((places, rows.shape[1]), layer.weight.dtype)
    weight[: len(placement)] = rows
    costs = layouts.costs(weight, lanes, layer.weight_bits)
    kind = options.layout[layer.name]
    if kind == "auto":
        kind = layouts.cheapest(costs)
    elif kind not in LAYOUTS:
        raise OptionError(f"--layout: must be auto, {', '.join(LAYOUTS)}, not {kind}")
    layout = LAYOUTS[kind].build(stream, weight, lanes, layer.weight_bits)
    neuron = neuron_module(layer, slots)
    return LayerDesign(
        label=names.comment(layer.name),
        stream=stream,
        source=source,
        module=prefix,
        lanes=lanes,
        slots=slots,
        num_inputs=len(inputs),
        num_rows=rows.shape[1],
        in_addr_width=unsigned_bits(len(inputs) - 1),
        out_addr_width=unsigned_bits(len(placement) - 1),
        placement=placement,
        weight_width=layer.weight_bits,
        weight_shift=layer.weight_shift,
        state_width=state_width(layer),
        membrane_width=layer.neuron.membrane_bits,
        current_width=current_width(layer),
        pixel_width=pixel_width(layer),
        steps=steps,
        neuron=neuron,
        numbers=tuple(_number(stream, number, placement, lanes) for number in neuron.numbers),
        scores=scores(layer),
        delays=_delays(layer, inputs, stream),
        layout=layout,
        costs=costs,
        entropy_bits=entropy_bits(weight[: len(placement)], layer.weight_bits),
        forward=int(layout.kind != "dense" or slots < FORWARD_DISTANCE),
    )


def _delays(layer: Layer, inputs: IntArray, stream: str) -> Delays | None:
    if layer.delay is None or not layer.delay[inputs].any():
        return None
    delay = layer.delay[inputs]
    width = unsigned_bits(int(delay.max()))
    memory = Memory(f"{stream}_delay", delay[:, None].astype(np.int64), width)
    return Delays(memory, width, unsigned_bits(int(np.count_nonzero(delay)) - 1))


def _number(stream: str, number: Number, placement: IntArray, lanes: int) -> NeuronNumber:
    values, width = number.values[placement], number.width
    if (values == values[0]).all():
        return NeuronNumber(number.name, width, f"{{NumLanes{{{names.sized_int(int(values[0]), width)}}}}}", None)
    if len(values) == lanes:
        each = ", ".join(names.sized_int(value, width) for value in values[::-1].tolist())
        return NeuronNumber(number.name, width, f"{{{each}}}", None)
    padded = np.zeros(-(-len(values) // lanes) * lanes, np.int64)
    padded[: len(values)] = values
    memory = Memory(f"{stream}_{number.name}", padded.reshape(-1, lanes), width)
    return NeuronNumber(number.name, width, "", memory)
