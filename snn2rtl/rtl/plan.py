"""Decides the hardware of an integer network: lanes, places of neurons, layouts, widths and names."""

from __future__ import annotations

import numpy as np

from snn2rtl.errors import OptionError
from snn2rtl.fixed_point import IntArray, signed_range, unsigned_bits
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.network_file import digest
from snn2rtl.int_net.population import Population
from snn2rtl.options import RtlOptions
from snn2rtl.rtl import layouts, names, timing
from snn2rtl.rtl.blocks import Stream
from snn2rtl.rtl.design import Block, RtlDesign
from snn2rtl.rtl.layer_design import Delays, LayerDesign, StoredParameter
from snn2rtl.rtl.layouts import LAYOUTS, entropy_bits
from snn2rtl.rtl.memory import Memory
from snn2rtl.rtl.neurons import NeuronParameter, Place, neuron_module, scores
from snn2rtl.rtl.placement import Placement, place, row_order, sums_at
from snn2rtl.rtl.widths import Entering, current_width, state_width
from snn2rtl.rtl.wiring import class_groups, wire

BEAT_PIXELS = 8  # of 8 bits: beats of 64 bits


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
        UnsupportedModelError: values enter a layer that has no hardware for them.
    """
    options = options or RtlOptions()
    labels = [layer.name for layer in network.populations]
    options.lanes.check_names("lanes", labels)
    options.layout.check_names("layout", labels)
    if options.beat_pixels and not network.takes_pixels:
        raise OptionError(f"--beat-pixels: must be left out where spikes enter the network, not {options.beat_pixels}")
    if options.output == "spikes" and network.integrates:
        raise OptionError(f"--output: must be class or counts where layer '{labels[-1]}' never spikes, not spikes")
    top = names.identifier(network.name) + "_top"
    streams = stream_names(network)
    placement = placement or place(network, options)
    wiring = wire(network, placement, streams)
    populations = {layer.name: layer for layer in network.populations}
    blocks: list[Block] = []
    for block in wiring.blocks:
        if not isinstance(block, str):
            blocks.append(block)
            continue
        layer, stream = populations[block], streams[block]
        prefix = f"{names.identifier(network.name)}_{stream}"
        source = wiring.reads[block].name
        entering = Entering.of(network, layer)
        steps = network.encoder.time_steps if network.encoder and entering.held else 1
        blocks.append(_plan_layer(layer, placement, prefix, stream, source, options, steps, entering))
    last = blocks[-1]
    assert isinstance(last, LayerDesign)
    classes = class_groups(network, Stream(last.stream, last.out_addr_width)) if options.output != "spikes" else None
    blocks += [classes] if classes else []
    return RtlDesign(
        label=names.comment(network.name),
        top=top,
        digest=digest(network),
        output=options.output,
        blocks=tuple(blocks),
        num_inputs=network.num_inputs,
        num_classes=network.num_classes,
        count_width=network.readout_bits,
        beat_pixels=(options.beat_pixels or BEAT_PIXELS) if network.takes_pixels else 0,
        encoder=network.encoder if network.takes_pixels else None,
    )


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
    entering: Entering,
) -> LayerDesign:
    placement = all_placement[layer.name]
    order = row_order(layer, all_placement)
    inputs = order[order < layer.num_inputs]
    lanes = options.lanes_of(layer.name, len(placement))
    sums = sums_at(layer, placement, lanes)
    slots = len(sums) // lanes
    weight: IntArray = np.zeros((len(sums), len(order)), layer.matrix.dtype)
    weight[sums >= 0] = layer.matrix[np.ix_(sums[sums >= 0], order)]
    costs = layouts.costs(weight, lanes, layer.weight_bits)
    kind = options.layout[layer.name]
    if kind == "auto":
        kind = layouts.cheapest(costs)
    elif kind not in LAYOUTS:
        raise OptionError(f"--layout: must be auto, {', '.join(LAYOUTS)}, not {kind}")
    layout = LAYOUTS[kind].build(stream, weight, lanes, layer.weight_bits)
    neuron = neuron_module(Place(layer, slots, entering))
    return LayerDesign(
        name=layer.name,
        label=names.comment(layer.name),
        stream=stream,
        source=source,
        module=prefix,
        lanes=lanes,
        slots=slots,
        taps=layer.taps.shape[1],
        num_inputs=len(inputs),
        num_rows=len(order),
        in_addr_width=unsigned_bits(len(inputs) - 1),
        out_addr_width=unsigned_bits(len(placement) - 1),
        placement=placement,
        weight_width=layer.weight_bits,
        weight_shift=layer.weight_shift,
        state_width=state_width(layer, entering),
        membrane_width=layer.neuron.membrane_bits,
        current_width=current_width(layer, entering),
        pixel_width=entering.value_width,
        is_direct=entering.held,
        back_value=layer.recurrent.value_of_one if layer.recurrent else 1,
        steps=steps,
        neuron=neuron,
        each=tuple(_stored(stream, layer, parameter, placement, lanes) for parameter in neuron.each),
        scores=scores(layer.neuron),
        delays=_delays(layer, inputs, stream),
        layout=layout,
        costs=costs,
        entropy_bits=entropy_bits(weight[sums >= 0], layer.weight_bits),
        forward=int(not layout.in_turn or slots < timing.FORWARD_DISTANCE),
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


def _stored(
    stream: str, layer: Population, parameter: NeuronParameter, placement: IntArray, lanes: int
) -> StoredParameter:
    width = parameter.width
    if layer.pool and parameter.name == "bias":
        values = _biases_of_sums(layer, placement, lanes, width)
    else:
        values = parameter.values[placement]
    if (values == values[0]).all():
        return StoredParameter(parameter.name, width, f"{{NumLanes{{{names.sized_int(int(values[0]), width)}}}}}", None)
    if len(values) == lanes:
        each = ", ".join(names.sized_int(value, width) for value in values[::-1].tolist())
        return StoredParameter(parameter.name, width, f"{{{each}}}", None)
    padded = np.zeros(-(-len(values) // lanes) * lanes, np.int64)
    padded[: len(values)] = values
    memory = Memory(f"{stream}_{parameter.name}", padded.reshape(-1, lanes), width)
    return StoredParameter(parameter.name, width, "", memory)


def _biases_of_sums(layer: Population, placement: IntArray, lanes: int, width: int) -> IntArray:
    """Return the bias of each slot of each lane; a tap outside of the input has the least value, and no weights."""
    sums = sums_at(layer, placement, lanes)
    biases: IntArray = np.where(sums < 0, signed_range(width)[0], layer.bias[sums])
    if len(placement) % lanes and (layer.taps[placement] >= 0).all():
        biases[sums < 0] = biases[0]  # of no neuron: whatever makes a memory needless
    return biases
