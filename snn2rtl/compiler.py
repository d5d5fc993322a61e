"""The order of the passes: from a float network to the integer network and its report."""

from __future__ import annotations

from snn2rtl.errors import StrictError
from snn2rtl.float_net.layered import LayeredNetwork
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.options import QuantizeOptions
from snn2rtl.passes.choose_readout import choose_readout
from snn2rtl.passes.fold_neurons import fold_neurons
from snn2rtl.passes.lower import lower
from snn2rtl.passes.quantize import quantize_network
from snn2rtl.passes.silence_unread import silence_unread
from snn2rtl.report import LayerReport


def fold(network: SpikingNetwork | LayeredNetwork) -> LayeredNetwork:
    """Return the network after every exact float pass: layers, whose neurons have the form that hardware has."""
    return fold_neurons(to_layers(network))


def to_layers(network: SpikingNetwork | LayeredNetwork) -> LayeredNetwork:
    """Return the network as layers of connections and neurons."""
    return lower(network) if isinstance(network, SpikingNetwork) else network


def compile_network(
    network: SpikingNetwork, options: QuantizeOptions | None = None
) -> tuple[FixedPointNetwork, tuple[LayerReport, ...]]:
    """Return the integer network and the report of every layer.

    Raises:
        UnsupportedModelError: the network holds something that has no exact hardware here.
        OptionError: an option does not go with the network.
        QuantizationError, StrictError: as of compile_layers().
    """
    options = options or QuantizeOptions()
    return compile_layers(choose_readout(to_layers(network), options.readout), options)


def compile_layers(
    layers: LayeredNetwork, options: QuantizeOptions, sample_steps: int = 0
) -> tuple[FixedPointNetwork, tuple[LayerReport, ...]]:
    """Return the integer network and the report of every layer.

    Args:
        layers: the float network, whose readout is chosen.
        options: how it becomes an integer network.
        sample_steps: time steps of the calibration samples, which widths must hold, 0 without any.

    Raises:
        QuantizationError: a number does not fit the widths that were asked for.
        OptionError: an option does not go with the network.
        StrictError: options.strict, and something was approximated.
    """
    integer, reports = quantize_network(layers, options, sample_steps)
    notes = [note for report in reports for note in report.approximations()]
    if options.strict and notes:
        raise StrictError("\n".join(f"{note} (--strict allows no approximation)" for note in notes))
    return silence_unread(integer), reports
