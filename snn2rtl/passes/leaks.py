"""The choice of integer leaks for time constants, what they keep, and how fine a membrane must be for their floors."""

from __future__ import annotations

import math

import numpy as np

from snn2rtl.fixed_point import round_half_even
from snn2rtl.float_net.nodes import FloatArray, decay
from snn2rtl.int_net.neurons import MAX_MEMBRANE_BITS, Leak, MultiplierLeak, NoLeak, ShiftLeak
from snn2rtl.int_net.neurons.leaks import kept
from snn2rtl.options import QuantizeOptions

Tau = float | FloatArray | None
_SHIFTS = np.arange(MAX_MEMBRANE_BITS)
_MOST_BITS, _MOST_BITS_OF_TWO = 8, 12  # of a membrane below a weight step, and where two states leak
_PIXEL_BITS = 8


def choose_leak(tau: Tau, options: QuantizeOptions) -> Leak:
    """Return the integer leak nearest to ``v - v / tau``; one for all neurons where they share a tau.

    It is a shift where every tau is a power of two, else a multiplier.
    """
    if tau is None:
        return NoLeak()
    each = np.unique(tau)
    taken = decay(each if len(each) == 1 else tau)
    exact = bool(np.all(np.frexp(each)[0] == 0.5))
    if options.leak == "shift" or (options.leak == "auto" and exact):
        shift = np.abs(2.0**-_SHIFTS - taken[:, None]).argmin(axis=1)
        return ShiftLeak(int(shift[0])) if len(each) == 1 else ShiftLeak(shift)
    factor = round_half_even((1 - taken) * (1 << options.leak_bits))
    fraction = options.leak_bits
    return MultiplierLeak(int(factor[0]), fraction) if len(each) == 1 else MultiplierLeak(factor, fraction)


def membrane_fraction(tau: Tau, synapse_tau: Tau = None, input_max: int = 1, adaptation_tau: Tau = None) -> int:
    """Return how many bits finer than a weight step the membrane is by default.

    The floor of a leak takes up to a membrane step in every step of time, which adds up to tau membrane steps before
    they have leaked away themselves: with ``ceil(log2(tau))`` bits that is a weight step at most. Floors of a synaptic
    current go on into the membrane, so there it takes the bits of ``tau * synapse_tau``; floors of an adaptation need
    those of its own tau. Pixels of 0..255 divide a weight step by 255 already.

    Args:
        tau: time constant of the membranes, in steps.
        synapse_tau: that of synaptic currents, where there are such.
        input_max: greatest input, 1 or 255.
        adaptation_tau: that of adaptations, where there are such.
    """
    bits = min(_MOST_BITS, _bits(_steps(tau)))
    if synapse_tau is not None:
        bits = min(_MOST_BITS_OF_TWO, _bits(_steps(tau) * _steps(synapse_tau)))
    if adaptation_tau is not None:
        bits = max(bits, min(_MOST_BITS_OF_TWO, _bits(_steps(adaptation_tau))))
    return bits if input_max == 1 else max(0, bits - _PIXEL_BITS)


def _steps(tau: Tau) -> FloatArray:
    """Return time constants in steps; what does not leak has no floors, and counts as one."""
    steps = np.ones(()) if tau is None else np.asarray(tau, np.float64)
    return np.where(np.isinf(steps), 1.0, steps)


def _bits(steps: FloatArray) -> int:
    return math.ceil(math.log2(float(np.max(steps))))


def largest_error(tau: Tau, leak: Leak) -> tuple[float, float]:
    """Return which fraction of a state a step should keep and which it keeps, of the neuron where they differ most."""
    asked, got = np.broadcast_arrays(1.0 - decay(tau), kept(leak))
    worst = np.argmax(np.abs(asked - got))
    return float(asked.flat[worst]), float(got.flat[worst])
