"""The order of the passes: from a float network to the integer network and its report."""

from __future__ import annotations

from collections.abc import Callable

from snn2rtl.errors import StrictError
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.options import QuantizeOptions
from snn2rtl.passes.choose_readout import choose_readout
from snn2rtl.passes.drop_identities import drop_identities
from snn2rtl.passes.fold_batch_norm import fold_batch_norm
from snn2rtl.passes.fold_neurons import fold_neurons
from snn2rtl.passes.quantize import quantize_network
from snn2rtl.passes.silence_unread import silence_unread
from snn2rtl.passes.unroll_convolutions import unroll_convolutions
from snn2rtl.report import LayerReport

TO_LAYERS: tuple[Callable[[SpikingNetwork], SpikingNetwork], ...] = (
    unroll_convolutions,
    drop_identities,
    fold_batch_norm,
)


def to_layers(network: SpikingNetwork) -> SpikingNetwork:
    """Return the network as pairs of Linear and Neuron, by exact float passes."""
    for step in TO_LAYERS:
        network = step(network)
    return network


def fold(network: SpikingNetwork) -> SpikingNetwork:
    """Return the network after every exact float pass: what its neurons do, too, has the form that hardware has."""
    return fold_neurons(to_layers(network))


def compile_network(
    network: SpikingNetwork, options: QuantizeOptions | None = None, sample_steps: int = 0
) -> tuple[FixedPointNetwork, tuple[LayerReport, ...]]:
    """Return the integer network and the report of every layer.

    Args:
        network: the float network.
        options: how it becomes an integer network.
        sample_steps: time steps of the calibration samples, which widths must hold, 0 without any.

    Raises:
        UnsupportedModelError: the network holds something that has no exact hardware here.
        QuantizationError: a number does not fit the widths that were asked for.
        OptionError: an option does not go with the network.
        StrictError: options.strict, and something was approximated.
    """
    options = options or QuantizeOptions()
    layers = to_layers(choose_readout(network, options.readout))
    integer, reports = quantize_network(layers, options, sample_steps)
    notes = [note for report in reports for note in report.approximations()]
    if options.strict and notes:
        raise StrictError("\n".join(f"{note} (--strict allows no approximation)" for note in notes))
    return silence_unread(integer), reports
