"""Decides the hardware of an integer network: lanes, places of neurons, layouts, widths and names."""

from __future__ import annotations

import numpy as np

from snn2rtl.errors import OptionError, UnsupportedModelError
from snn2rtl.fixed_point import IntArray, unsigned_bits
from snn2rtl.int_net.network import FixedPointNetwork, Population
from snn2rtl.int_net.network_file import digest
from snn2rtl.int_net.neurons import Integrator
from snn2rtl.options import RtlOptions
from snn2rtl.rtl import layouts, names
from snn2rtl.rtl.cost import entropy_bits
from snn2rtl.rtl.design import RtlDesign
from snn2rtl.rtl.layer_design import Delays, LayerDesign, NeuronNumber
from snn2rtl.rtl.layouts import LAYOUTS
from snn2rtl.rtl.memory import Memory
from snn2rtl.rtl.neuron_modules import Number, neuron_module, scores
from snn2rtl.rtl.placement import Placement, place, row_order
from snn2rtl.rtl.widths import current_width, pixel_width, state_width

BEAT_PIXELS = 8  # of 8 bits: beats of 64 bits
FORWARD_DISTANCE = 3  # cycles after which a lane's write is back in its memory


def plan(
    network: FixedPointNetwork, options: RtlOptions | None = None, placement: Placement | None = None
) -> RtlDesign:
    """Return the hardware for a network.

    Args:
        network: the integer network.
        options: what the user wants.
        placement: the neuron at each hardware index of each population; by default that of place() without
            calibration data.

    Raises:
        OptionError: an option names a layer or a layout that does not exist, or does not go with the network.
        UnsupportedModelError: a layer of pixels is recurrent or of integrators.
    """
    options = options or RtlOptions()
    labels = [layer.name for layer in network.populations]
    options.lanes.check_names("lanes", labels)
    options.layout.check_names("layout", labels)
    if options.beat_pixels and not network.takes_pixels:
        raise OptionError(f"--beat-pixels: must be left out where spikes enter the network, not {options.beat_pixels}")
    if options.output == "spikes" and network.integrates:
        raise OptionError(f"--output: must be class or counts where layer '{labels[-1]}' never spikes, not spikes")
    _check_pixels(network)
    top = names.identifier(network.name) + "_top"
    streams = stream_names(network)
    placement = placement or place(network, options)
    layers: list[LayerDesign] = []
    for layer in network.populations:
        stream = streams[layer.name]
        prefix = f"{names.identifier(network.name)}_{stream}"
        (connection,) = layer.forward
        pixels = network.takes_values(connection)
        steps = network.encoder.time_steps if network.encoder and pixels else 1
        source = streams.get(connection.source, "input")
        layers.append(_plan_layer(layer, placement, prefix, stream, source, options, steps, pixels))
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
    layer, problems = network.populations[0], []
    if layer.recurrent:
        problems.append(f"layer '{layer.name}': must not be recurrent where pixels enter it; put a layer before it")
    if isinstance(layer.neuron, Integrator):
        problems.append(f"layer '{layer.name}': must spike where pixels enter it, not integrate; put a layer before it")
    if problems:
        raise UnsupportedModelError(problems)


def stream_names(network: FixedPointNetwork) -> dict[str, str]:
    """Return the name of each node's stream, by the node's name."""
    reserved = ["input", "result", "s_axis", "m_axis", "top", "ingress", "encoder", "readout"]
    labels = [node.name for node in network.nodes]
    return dict(zip(labels, names.identifiers(labels, reserved=reserved), strict=True))


def _plan_layer(
    layer: Population,
    all_placement: Placement,
    prefix: str,
    stream: str,
    source: str,
    options: RtlOptions,
    steps: int,
    pixels: bool,
) -> LayerDesign:
    placement = all_placement[layer.name]
    order = row_order(layer, all_placement)
    inputs = order[order < layer.num_inputs]
    lanes = options.lanes_of(layer.name, len(placement))
    slots = -(-len(placement) // lanes)
    places = slots * lanes
    rows = layer.matrix[np.ix_(placement, order)]
    weight: IntArray = np.zeros((places, rows.shape[1]), rows.dtype)
    weight[: len(placement)] = rows
    costs = layouts.costs(weight, lanes, layer.weight_bits)
    kind = options.layout[layer.name]
    if kind == "auto":
        kind = layouts.cheapest(costs)
    elif kind not in LAYOUTS:
        raise OptionError(f"--layout: must be auto, {', '.join(LAYOUTS)}, not {kind}")
    layout = LAYOUTS[kind].build(stream, weight, lanes, layer.weight_bits)
    neuron = neuron_module(layer, slots, pixels)
    return LayerDesign(
        name=layer.name,
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
        state_width=state_width(layer, pixels),
        membrane_width=layer.neuron.membrane_bits,
        current_width=current_width(layer, pixels),
        pixel_width=pixel_width(pixels),
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


def _delays(layer: Population, inputs: IntArray, stream: str) -> Delays | None:
    none = [np.zeros(connection.synapses.num_inputs, np.int64) for connection in layer.forward]
    each = zip(layer.forward, none, strict=True)
    delay = np.concatenate([zero if one.delay is None else one.delay for one, zero in each])[inputs]
    if not delay.any():
        return None
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
