"""Current-based LIF neurons (CUBA-LIF): behind a synaptic current."""

from __future__ import annotations

from dataclasses import dataclass

from snn2rtl.fixed_point import IntArray
from snn2rtl.int_net.neurons.base import Saturate, Spikes, State
from snn2rtl.int_net.neurons.firing import Firing
from snn2rtl.int_net.neurons.leaks import Leak, gain_bits, leak


@dataclass(frozen=True, eq=False, kw_only=True)
class CubaLifNeuron(Firing):
    """LIF neurons behind a synaptic current, Norse's LIFCell and LIFRecurrentCell, snnTorch's Synaptic.

    current: ``j = leak(c, synapse_leak) + i``
    charge: ``h = saturate(leak(v) + j, membrane_bits)``
    fire and reset are those of Firing, and ``c = j``, of a resting neuron too. v and c are 0 at the start of a sample.

    Source: norse 1.1.0, functional/lif.py lif_feed_forward_step; Norse fires above its threshold, so fire_at is the
    least integer above it. snntorch 1.0.0, _neurons/synaptic.py.
    """

    synapse_leak: Leak

    def __post_init__(self) -> None:
        super().__post_init__()
        gain_bits("synapse_leak", self.synapse_leak, len(self))

    @property
    def num_states(self) -> int:
        """The membrane, the synaptic current, and the steps that a refractory neuron rests."""
        return 2 + (self.refractory > 0)

    @property
    def current_leak(self) -> Leak:
        """The synaptic current's."""
        return self.synapse_leak

    @property
    def second_leak(self) -> Leak:
        """The synaptic current's."""
        return self.synapse_leak

    @property
    def adders(self) -> int:
        """Those of fire and reset, and membrane and current."""
        return 1 + self.fire_adders

    def step(self, state: State, current: IntArray, saturate: Saturate) -> tuple[State, Spikes]:
        """Return state (membrane, synaptic current, steps to rest) and spikes; arguments as of LifNeuron.step()."""
        before, synaptic, *waiting = state
        synaptic = leak(synaptic, self.synapse_leak) + current
        membrane, fired, left = self.fire((before, *waiting), synaptic, saturate)
        return (membrane, synaptic, *left), fired
