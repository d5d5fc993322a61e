import re

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from networks import chain, dense, direct, direct_hardware, lif, networks

from snn2rtl.errors import OptionError, UnsupportedModelError
from snn2rtl.fixed_point import signed_bits, signed_range, unsigned_bits
from snn2rtl.int_net.chain import layers_of
from snn2rtl.int_net.intervals import charged_range, never_fires, never_saturates
from snn2rtl.int_net.network_file import digest
from snn2rtl.int_net.neurons import Integrator, MultiplierLeak, NoLeak, Score, ShiftLeak
from snn2rtl.options import PerLayer, RtlOptions
from snn2rtl.rtl.layouts import LAYOUTS
from snn2rtl.rtl.plan import plan


@settings(max_examples=60)
@given(
    networks(), st.integers(1, 5), st.sampled_from(["auto", *LAYOUTS]), st.sampled_from(["class", "counts", "spikes"])
)
def test_the_hardware_holds_the_network(network, lanes, layout, output):
    assume(output != "spikes" or layers_of(network)[-1].neuron.spikes)
    design = plan(network, RtlOptions(lanes=PerLayer(lanes), layout=PerLayer(layout), output=output))
    assert design.digest == digest(network)
    inputs = np.arange(network.num_inputs)
    for layer, source, made in zip(layers_of(network), network.populations, design.layers, strict=True):
        last = source is network.output
        live = np.flatnonzero(~never_fires(source))
        expected = np.arange(layer.num_neurons) if last else live if len(live) else [0]
        # the place of a class is its number; other neurons may stand anywhere
        assert (made.placement.tolist() if last else sorted(made.placement.tolist())) == list(expected)
        places = made.lanes * made.slots
        assert made.lanes == min(lanes, len(expected))
        assert places - made.lanes < len(expected) <= places
        weight = made.layout.weights()
        rows = [layer.weight[np.ix_(made.placement, inputs)]]
        rows += [] if layer.recurrent is None else [layer.recurrent[np.ix_(made.placement, made.placement)]]
        assert np.array_equal(weight[: len(expected)], np.concatenate(rows, axis=1))
        assert not weight[len(expected) :].any()
        assert layout in ("auto", made.layout.kind)
        assert made.in_addr_width == max(1, (len(inputs) - 1).bit_length())
        assert made.out_addr_width == max(1, (len(expected) - 1).bit_length())
        check_widths(source, made)
        inputs = made.placement
    assert design.num_classes == network.num_classes
    assert design.in_data_width % 8 == design.out_data_width % 8 == 0
    assert len({memory.path for memory in design.memories}) == len(design.memories)


@settings(max_examples=60)
@given(networks(), st.integers(1, 5), st.sampled_from(list(LAYOUTS)), st.integers(1, 9), st.integers(1, 8))
def test_the_hardware_holds_a_directly_coded_network(network, lanes, layout, steps, beat_pixels):
    network = direct_hardware(network, steps)
    design = plan(network, RtlOptions(lanes=PerLayer(lanes), layout=PerLayer(layout), beat_pixels=beat_pixels))
    first, others = design.layers[0], design.layers[1:]
    layer = layers_of(network)[0]
    assert design.in_data_width == 8 * beat_pixels
    assert (first.steps, first.pixel_width) == (steps, 8)
    assert {(made.steps, made.pixel_width, made.current_width - made.state_width) for made in others} <= {(1, 0, 0)}
    check_widths(network.populations[0], first)
    # any sum of a part of the currents, on top of the bias
    low, high = signed_range(first.current_width)
    products = layer.weight.astype(np.int64) * 255 << layer.weight_shift
    sums = (np.minimum(products, 0).sum(axis=1), np.maximum(products, 0).sum(axis=1))
    assert low <= (layer.bias + sums[0]).min() <= (layer.bias + sums[1]).max() <= high
    assert low <= products.min() <= products.max() <= high
    assert first.state_width >= first.current_width
    state_bits = first.state_width + 2 * first.current_width + first.neuron.second_width
    assert first.state_bits == first.lanes * first.slots * state_bits
    # the spikes of a step, those of the step before, and those on the way between
    assert 1 << first.queue_depth_width >= 2 * first.slots + (4 + first.neuron.extra_stages if steps > 1 else 0)


def test_pixels_enter_no_recurrent_layer_and_no_integrators():
    recurrent = dense([[1, 2]], recurrent=np.ones((1, 1), int))
    with pytest.raises(UnsupportedModelError, match="layer 'fc1': must not be recurrent where pixels enter it"):
        plan(direct(chain(recurrent), 2))
    neuron = Integrator(neurons=1, leak=NoLeak(), membrane_bits=8, score=Score.LAST, score_bits=8)
    with pytest.raises(UnsupportedModelError, match="layer 'fc1': must spike where pixels enter it, not integrate"):
        plan(direct(chain(dense([[1, 2]], neuron)), 2))


def numbers_of(layer, name):
    """Return the values of a number of the neurons, None where one leak is that of all."""
    if name == "adapt_step":
        return -layer.neuron.adaptation_step
    if "leak" not in name:
        return layer.bias if name == "bias" else getattr(layer.neuron, name)
    kind = {"leak": "leak", "adapt_leak": "adaptation_leak", "synapse_leak": "synapse_leak"}[name]
    return getattr(layer.neuron, kind).each


def check_widths(layer, made):
    found = charged_range(layer)
    low, high = signed_range(made.state_width)
    assert low <= found.low.min() <= found.high.max() <= high
    assert made.state_width >= layer.neuron.membrane_bits == made.membrane_width
    for number in made.each:
        values = numbers_of(layer, number.name)
        if values is None:
            continue
        values = values[made.placement]
        least, greatest = min(int(values.min()), 0), max(int(values.max()), 0)
        unsigned = "leak" in number.name
        assert (unsigned_bits(greatest) if unsigned else signed_bits(least, greatest)) <= number.width
        if number.memory is None:
            literals = re.findall(r"(\d+)'d(\d+)", number.constant)
            assert {int(width) for width, _ in literals} == {number.width}
            each = [int(value) for _, value in literals][::-1]
            expected = [int(v) % 2**number.width for v in values]
            assert each == expected if made.slots == 1 and len(each) > 1 else {*each} == {*expected}
        else:
            assert number.memory.fields.reshape(-1)[: len(values)].tolist() == values.tolist()


@pytest.mark.parametrize(
    ("leak", "parameters"), [(NoLeak(), (0, 0, 0)), (ShiftLeak(3), (1, 3, 0)), (MultiplierLeak(200, 8), (2, 8, 200))]
)
@pytest.mark.parametrize("reset_by", [0, 4])
@pytest.mark.parametrize("membrane_bits", [4, 16])
def test_parameters_of_the_neuron(leak, parameters, reset_by, membrane_bits):
    layer = dense([[1, -1]], lif([4], [reset_by], leak, membrane_bits))
    two = dense([[1, -1], [1, 1]], lif([4, 4], [reset_by, reset_by], leak, membrane_bits))
    for shape, module in ((layer, "snn_single_lif"), (two, "snn_lif")):
        (made,) = plan(chain(shape), RtlOptions(lanes=PerLayer(1))).layers
        values = dict(made.neuron.parameters)
        assert made.neuron.module == module
        assert (values["LeakKind"], values["LeakShift"], values["LeakFactor"]) == parameters
        assert values["ResetKind"] == (reset_by > 0)
        assert values["Saturate"] == (not never_saturates(shape.population))


def test_neurons_that_never_fire_vanish_but_not_from_the_output():
    network = chain(dense([[1], [0], [-1], [2]]), dense([[1, 5, 5, 1], [0, 7, 0, 0]]))
    first, last = plan(network).layers
    assert first.placement.tolist() == [0, 3]
    assert last.num_inputs == 2
    assert last.placement.tolist() == [0, 1]


def test_one_neuron_stays_where_none_can_fire():
    first, _ = plan(chain(dense([[0], [-1]]), dense([[1, 1]]))).layers
    assert first.placement.tolist() == [0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lanes": PerLayer(8, {"fc9": 4})}, "--lanes: layers must be among fc1, not fc9"),
        ({"layout": PerLayer("auto", {"fc9": "dense"})}, "--layout: layers must be among fc1, not fc9"),
        ({"layout": PerLayer("sparse")}, f"--layout: must be auto, {', '.join(LAYOUTS)}, not sparse"),
    ],
)
def test_options_that_do_not_fit(options, message):
    with pytest.raises(OptionError, match=f"^{re.escape(message)}$"):
        plan(chain(dense([[1]])), RtlOptions(**options))


def test_options_by_layer():
    network = chain(dense(np.ones((6, 3), int)), dense(np.ones((4, 6), int)))
    options = RtlOptions(lanes=PerLayer(2, {"fc2": 4}), layout=PerLayer("dense", {"fc1": "indexed"}))
    first, second = plan(network, options).layers
    assert (first.lanes, first.slots, first.layout.kind) == (2, 3, "indexed")
    assert (second.lanes, second.slots, second.layout.kind) == (4, 1, "dense")


def test_last_slot_lanes_names_the_lanes_that_have_a_neuron():
    (made,) = plan(chain(dense(np.ones((6, 1), int))), RtlOptions(lanes=PerLayer(4))).layers
    assert made.last_slot_lanes == "4'h3"
