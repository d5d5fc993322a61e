"""From the parameters of Norse's neurons to nodes.

A step of Norse's LIF, with ``a = dt * tau_mem_inv`` and ``b = dt * tau_syn_inv``, is that of a Neuron that decays its
input through a synaptic current, with ``tau = 1 / a`` and ``synapse_tau = 1 / b``, and fires only above its threshold::

    j = i + x;  v = v + a * (v_leak - v + j);  i = j - b * j;  z = v > v_th;  v = v_reset where z

Source: norse 1.1.0, torch/functional: lif, lif_box, lif_refrac, iaf, leaky_integrator, leaky_integrator_box.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from reprlib import repr as short
from typing import Any

import numpy as np
import torch

from snn2rtl.errors import UnsupportedModelError, told_apart
from snn2rtl.float_net.nodes import MAX_REFRACTORY, FloatArray, Integrator, Neuron


@dataclass(frozen=True, eq=False, kw_only=True)
class Parameters:
    """What Norse's parameters hold, tensors or numbers; those that a kind does not have are left out."""

    dt: Any
    tau_mem_inv: Any = None
    tau_syn_inv: Any = None
    v_leak: Any = 0.0
    v_th: Any = 1.0
    v_reset: Any = 0.0
    is_subtracted: bool = False
    rho_reset: Any = 0


def neuron(name: str, values: Parameters) -> Neuron:
    """Return the spiking neurons of these parameters.

    Raises:
        UnsupportedModelError: they have no exact hardware here; every problem is named.
    """
    checked = _Checked(name)
    taus = checked.taus(values)
    threshold = checked.each("v_th", values.v_th)
    leak, reset, rho = (checked.number(key, getattr(values, key)) for key in ("v_leak", "v_reset", "rho_reset"))
    if values.tau_mem_inv is None:  # what does not leak rests where it is reset to
        leak = reset
    if values.is_subtracted and leak != 0:
        checked.problems.append(f"v_leak must be 0 where a spike subtracts the threshold, not {leak}")
    elif not values.is_subtracted and reset != leak:
        checked.problems.append(
            f"v_reset must be {leak} like v_leak, for a membrane resets to where it rests, not {reset}"
        )
    if not 0 <= rho <= MAX_REFRACTORY:
        checked.problems.append(f"rho_reset must be 0..{MAX_REFRACTORY} steps, not {rho:.6g}")
    elif rho and values.is_subtracted:
        checked.problems.append("reset_method must be reset_value, for a membrane waits where it was reset to")
    checked.close()
    return Neuron(
        name=name,
        v_threshold=threshold,
        v_reset=None if values.is_subtracted else reset,
        strict=True,
        decay_input=values.tau_mem_inv is not None,
        refractory=math.ceil(rho),
        **taus,
    )


def integrator(name: str, values: Parameters, score: str = "max") -> Integrator:
    """Return the leaky integrators of these parameters.

    Raises:
        UnsupportedModelError: they have no exact hardware here; every problem is named.
    """
    checked = _Checked(name)
    taus = checked.taus(values)
    if (leak := checked.number("v_leak", values.v_leak)) != 0:
        checked.problems.append(f"v_leak must be 0, at which scores begin, not {leak}")
    checked.close()
    return Integrator(name=name, score=score, decay_input=True, **taus)


class _Checked:
    """Reads the parameters of one layer; close() raises what is wrong with them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[str] = []

    def taus(self, values: Parameters) -> dict[str, Any]:
        """Return tau and, where there is a current, synapse_tau."""
        keys = {"tau": "tau_mem_inv", "synapse_tau": "tau_syn_inv"}
        given = {ours: (key, getattr(values, key)) for ours, key in keys.items()}
        return {ours: None if value is None else self._tau(key, values.dt, value)
                for ours, (key, value) in given.items()}  # fmt: skip

    def _tau(self, key: str, dt: Any, inverse: Any) -> float | FloatArray:
        if not _is_number(dt) or not (_is_number(inverse) or isinstance(inverse, torch.Tensor)):
            self.problems.append(f"dt and {key} must be numbers, not {short(dt)} and {short(inverse)}")
            return 1.0
        # the product is rounded as Norse rounds it
        taken = torch.as_tensor(dt * inverse).detach().to("cpu", torch.float64).numpy()
        if not (taken.size and np.all(taken > 0) and np.all(taken <= 1)):
            self.problems.append(f"dt * {key} must be above 0 and at most 1, not {_shown(taken)}")
            return 1.0
        return float(1 / taken.flat[0]) if np.all(taken == taken.flat[0]) else np.asarray(1 / taken)

    def number(self, key: str, value: Any) -> float:
        """Return what all neurons have."""
        each = np.asarray(self.each(key, value))
        if each.ndim:
            self.problems.append(f"{key} must be one number for all neurons, not {_shown(each)}")
        return float(each.flat[0])

    def each(self, key: str, value: Any) -> float | FloatArray:
        """Return a number where all neurons share it, else one of each."""
        if not (_is_number(value) or isinstance(value, torch.Tensor)):
            self.problems.append(f"{key} must be a number, not {short(value)}")
            return 0.0
        each: FloatArray = torch.as_tensor(value).detach().to("cpu", torch.float64).numpy().reshape(-1)
        if not each.size:
            self.problems.append(f"{key} must be a number, not {short(value)}")
            return 0.0
        return float(each[0]) if np.all(each == each[0]) else each

    def close(self) -> None:
        if self.problems:
            raise UnsupportedModelError([f"layer '{self.name}': {problem}" for problem in self.problems])


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _shown(values: FloatArray) -> str:
    least, greatest = values.min(initial=np.inf), values.max(initial=-np.inf)
    one, other, _ = told_apart(least, greatest, 1.0)  # what is above 1 does not look like it
    return one if one == other else f"{one}..{other}"
