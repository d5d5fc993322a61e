"""Synapses of the integer network, one file a kind: what a kind computes, what bounds it, what a spike touches.

Every kind has the methods of Dense; ``KINDS`` names the kinds in files.
"""

from __future__ import annotations

from snn2rtl.int_net.synapses.convolution import Convolution
from snn2rtl.int_net.synapses.dense import Dense

Synapses = Dense | Convolution
KINDS: dict[str, type[Synapses]] = {"dense": Dense, "convolution": Convolution}

__all__ = ["KINDS", "Convolution", "Dense", "Synapses"]
