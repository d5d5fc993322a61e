"""Tasks of samples that are spikes: networks with time constants of each neuron, delays and recurrence."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from snn2rtl.config import option
from snn2rtl.delays import MAX_DELAY
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import Integrator
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.rules import above, at_least, between
from snn2rtl.training.config import LEAK_BITS, Schedule, TrainConfig
from snn2rtl.training.task import Task

if TYPE_CHECKING:
    from snn2rtl.training.network import TrainableNetwork


@dataclass(frozen=True, kw_only=True)
class TemporalConfig(TrainConfig):
    """A training run on spikes over time; TrainConfig has what every run has.

    Time constants are drawn evenly by their logarithm. batch_norm is of hidden neurons, without recurrence, and folded
    where quantizing begins; a run that starts from a model file, or quantized, has none.
    """

    hidden: tuple[int, ...] = (128, 128)
    dropout: float = 0.2
    batch_norm: bool = True
    epochs: int = 40
    schedule: Schedule = "one-cycle"
    label_smoothing: float = 0.1
    neuron: Literal["lif", "current", "adaptive"] = option(
        "current", "hidden neurons: plain, behind a synaptic current, or adaptive", of_model=True
    )
    tau_min: float = option(4.0, "least membrane time constant in time steps", above(1), of_model=True)
    tau_max: float = option(24.0, "greatest membrane time constant", at_least("tau_min"), of_model=True)
    synapse_tau_min: float = option(1.5, "least time constant of synaptic currents", above(1), of_model=True)
    synapse_tau_max: float = option(
        6.0, "greatest time constant of synaptic currents", at_least("synapse_tau_min"), of_model=True
    )
    adaptation_tau_min: float = option(6.0, "least time constant of adaptations", above(1), of_model=True)
    adaptation_tau_max: float = option(
        40.0, "greatest time constant of adaptations", at_least("adaptation_tau_min"), of_model=True
    )
    readout_tau: float = option(20.0, "time constant of the output neurons", above(1), of_model=True)
    learn_tau: bool = option(True, "train all time constants")
    leak: Literal["multiplier", "shift"] = option(
        "multiplier", "what leaks in hardware: a multiplier, or a shift, which allows powers of two as time constants"
    )
    leak_bits: int = option(
        LEAK_BITS,
        "width of the multiplier; its time constants are whole multiples of a power of two",
        between(2, LEAK_BITS),
    )
    membrane_fraction: int = option(
        -1,
        "bits of the membrane below a weight step, -1 for compile's choice, which else must be told",
        between(-1, 12),
    )
    grow: float = option(0.3, "adaptive: what a spike adds to the threshold, in thresholds", at_least(0), of_model=True)
    recurrent: bool = option(
        False, "hidden neurons have their own layer's spikes of the step before as inputs", of_model=True
    )
    delays: int = option(
        0, "longest delay of a layer's input in time steps, 0 for none", between(0, MAX_DELAY), of_model=True
    )
    learn_delays: bool = option(True, "train the delays")
    readout: Literal["max", "last", "sum"] = option(
        "sum", "score of a class: greatest, last or summed membrane", of_model=True
    )

    def quantizing(self) -> QuantizeOptions:
        """Return how the trained network becomes the integer network that quantization-aware training ran."""
        return replace(super().quantizing(), membrane_fraction=PerLayer(self.membrane_fraction))


class TemporalTask(Task):
    """A task whose samples are spikes; a class of its own says where they are from."""

    config: ClassVar[type[TemporalConfig]]

    def build(self, config: TemporalConfig) -> TrainableNetwork:
        """Return the untrained network."""
        from snn2rtl.training.build import temporal_network

        return temporal_network(config, self.inputs(config), self.classes)

    def load_weights(self, net: TrainableNetwork, config: TemporalConfig, init: Path) -> None:
        """Give a network the weights, delays and time constants of a model file."""
        from snn2rtl.training.init import load_temporal_network

        load_temporal_network(net, config, init)

    def trains(self, network: SpikingNetwork) -> bool:
        """Return whether the network has integrators."""
        return any(isinstance(node, Integrator) for node in network.nodes)

    @abstractmethod
    def of_inputs(self, inputs: int) -> dict[str, Any]:
        """Return the options of samples that have so many inputs."""

    def model_config(self, path: Path) -> TemporalConfig:
        """Return the configuration of a run with the network of a model file."""
        from snn2rtl.training.init import temporal_options

        inputs, known = temporal_options(path)
        return self.config(**known, **self.of_inputs(inputs))

    def model(self, net: TrainableNetwork, name: str) -> SpikingNetwork:
        """Return the float network, with the steps that training chose."""
        from snn2rtl.training.export import to_network

        return to_network(net, name)
