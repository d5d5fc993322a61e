"""What flows along an edge before it meets neurons: a sum of linear maps of sources, and a bias."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.nodes import FloatArray
from snn2rtl.passes.lower.compose import after
from snn2rtl.passes.lower.maps import (
    Gain,
    Kernel,
    Map,
    Matrix,
    applied,
    embedded,
    enlarged,
    fitted,
    scaled,
    scaled_each,
)
from snn2rtl.windows import Shape, Windows


@dataclass(frozen=True, eq=False)
class Term:
    """A map of what a source makes, of a shape."""

    source: str
    shape: Shape
    map: Map


@dataclass(frozen=True, eq=False)
class Current:
    """``sum of terms + bias`` of a shape; bias has shape (size of it,).

    label: name of the last node with weights on the way here. shifted_by: of the last one that added a bias to spikes.
    pool: where this is the greatest of each window over that sum: terms and bias are those of the places before it, and
    shape is the one behind it. pooled_by: the node that pools.
    """

    shape: Shape
    terms: tuple[Term, ...]
    bias: FloatArray
    label: str = ""
    shifted_by: str = ""
    pool: Windows | None = None
    pooled_by: str = ""

    @property
    def summed_shape(self) -> Shape:
        """Shape of the sum, before the pool where there is one."""
        if self.pool is None:
            return self.shape
        return (len(self.bias) // math.prod(self.pool.space), *self.pool.space)

    @property
    def spikes(self) -> Term | None:
        """The one source that this is, unchanged but for a gain; None where it is anything else."""
        if self.pool is None and len(self.terms) == 1 and isinstance(self.terms[0].map, Gain) and not self.bias.any():
            return self.terms[0]
        return None

    @property
    def source(self) -> str | None:
        """The one source that this is, unchanged."""
        term = self.spikes
        return term.source if term and isinstance(term.map, Gain) and term.map.is_one else None


def of_source(source: str, shape: Shape) -> Current:
    """Return what a source makes."""
    return Current(shape, (Term(source, shape, Gain(np.ones(()))),), np.zeros(math.prod(shape)))


def reshaped(current: Current, shape: Shape) -> Current:
    """Return the same values in another shape; a gain of each position keeps to its value."""
    if current.pool is not None:
        return replace(current, shape=shape)
    terms = tuple(
        Term(term.source, shape, Gain(_reshaped_gain(term.map.gain, shape))) if isinstance(term.map, Gain) else term
        for term in current.terms
    )
    return replace(current, shape=shape, terms=terms)


def _reshaped_gain(gain: FloatArray, shape: Shape) -> FloatArray:
    return gain.reshape(shape) if np.ndim(gain) else gain


def multiplied(current: Current, gain: float | FloatArray, name: str) -> Current:
    """Return ``gain * x``; gain is a number, or an array in the shape of x. name: of a layer, for errors.

    Raises:
        UnsupportedModelError: the gain has another shape, or a matrix that holds it would be too large; or x is pooled,
            and the gain not a number that may stand before the pool.
    """
    if isinstance(gain, np.ndarray) or gain < 0:
        _check_unpooled(current, f"a gain in '{name}' that is not one of all, or negative")
    if isinstance(gain, np.ndarray):
        if gain.shape != current.shape:
            raise UnsupportedModelError([f"layer '{name}': gain must have shape {current.shape}, not {gain.shape}"])
        each = tuple(replace(term, map=scaled_each(term.map, gain, name, term.shape)) for term in current.terms)
        return replace(current, terms=each, bias=np.ravel(gain) * current.bias)
    terms = tuple(replace(term, map=enlarged(term.map, gain)) for term in current.terms)
    return replace(current, terms=terms, bias=gain * current.bias)


def normalised(current: Current, gain: FloatArray, offset: FloatArray, name: str) -> Current:
    """Return ``gain * x + offset`` with numbers of each channel, shape (channels,)."""
    shape = current.summed_shape
    if current.pool is not None and (gain.min() < 0 or len(gain) != shape[0]):
        which = "which is not of its channels" if len(gain) != shape[0] else f"whose gain is {gain.min():.6g} for some"
        _check_unpooled(current, f"'{name}', {which}")
    positions = math.prod(shape[1:])
    terms = tuple(
        replace(term, map=scaled(fitted(term.map, name, term.shape, shape), gain, shape)) for term in current.terms
    )
    bias = np.repeat(gain, positions) * current.bias + np.repeat(offset, positions)
    return replace(current, terms=terms, bias=bias, shifted_by=name)


def through(current: Current, outer: Matrix | Kernel, bias: FloatArray, name: str, shape: Shape) -> Current:
    """Return a linear map of a current, of a shape, plus a bias of each output, shape (outputs,).

    Raises:
        UnsupportedModelError: the map would be too large, or there are recurrent weights or delays in its way.
    """
    _check_unpooled(current, f"'{name}'")
    _check_recurrence(current, name)
    if isinstance(outer, Matrix) and outer.delay is not None:
        _check_delays(current, outer.weight * outer.delay, name)
    terms = tuple(
        Term(term.source, term.shape, after(outer, term.map, name, term.shape, current.shape)) for term in current.terms
    )
    own = applied(outer, current.bias) if current.bias.any() else 0.0
    return Current(shape, terms, own + bias, name)


def fed_back(current: Current, recurrent: FloatArray | None) -> Current:
    """Return a current of matrices with recurrent weights: in its first term, for own spikes come back once."""
    if recurrent is None:
        return current
    first, *others = current.terms
    assert isinstance(first.map, Matrix)
    return replace(current, terms=(replace(first, map=replace(first.map, recurrent=recurrent)), *others))


def greatest(current: Current, pool: Windows, name: str) -> Current:
    """Return the greatest of each window over a current.

    Raises:
        UnsupportedModelError: recurrent weights or another pool stand before it.
    """
    _check_unpooled(current, f"'{name}'")
    _check_recurrence(current, name)
    shape = (current.shape[0], *pool.outputs)
    return replace(current, shape=shape, pool=pool, pooled_by=name, label=current.label or name)


def _check_unpooled(current: Current, before: str) -> None:
    """Raise UnsupportedModelError where a current is pooled, which must not stand before something."""
    if current.pool is not None:
        rule = "MaxPool of currents must come right before spiking neurons, or pool spikes right behind them"
        raise UnsupportedModelError([f"layer '{current.pooled_by}': {rule}, not stand before {before}"])


def _check_recurrence(current: Current, name: str) -> None:
    """Raise UnsupportedModelError where a current is recurrent, which must not stand before something."""
    if any(isinstance(term.map, Matrix) and term.map.recurrent is not None for term in current.terms):
        rule = f"must come right before neurons, not before '{name}', for it is recurrent"
        raise UnsupportedModelError([f"layer '{current.label}': {rule}"])


def _check_delays(current: Current, delayed: FloatArray, name: str) -> None:
    """Raise UnsupportedModelError where what waits before a layer is no plain source."""
    if not all(isinstance(term.map, Gain) for term in current.terms):
        rule = "must not have delays behind other weights, only behind neurons"
        raise UnsupportedModelError([f"layer '{name}': {rule}"])
    if np.any(delayed * current.bias):
        rule = f"must not shift the inputs of '{name}' that have delays, for a shift would be there before them"
        raise UnsupportedModelError([f"layer '{current.shifted_by}': {rule}"])


def added(currents: tuple[Current, ...]) -> Current:
    """Return the sum of currents of one shape.

    Raises:
        UnsupportedModelError: one of them is pooled.
    """
    for one in currents:
        _check_unpooled(one, "a sum")
    first = currents[0]
    terms = tuple(term for one in currents for term in one.terms)
    label = next((one.label for one in currents if one.label), "")
    return Current(first.shape, terms, np.sum([one.bias for one in currents], axis=0), label)


def concatenated(currents: tuple[Current, ...], name: str) -> Current:
    """Return currents one after the other along the channels; pooled ones keep their pool where all have the same.

    Raises:
        UnsupportedModelError: pools differ, or a current is recurrent.
    """
    pool, channels = currents[0].pool, sum(one.shape[0] for one in currents)
    if any(one.pool != pool for one in currents):
        for one in currents:
            _check_unpooled(one, f"'{name}' beside what is pooled in another way, or not")
    if pool is not None:
        summed = (replace(one, shape=one.summed_shape, pool=None) for one in currents)
        joined = greatest(concatenated(tuple(summed), name), pool, currents[0].pooled_by)
        return reshaped(joined, (channels, *currents[0].shape[1:]))
    terms, first = [], 0
    for one in currents:
        _check_recurrence(one, name)
        for term in one.terms:
            made = embedded(term.map, name, term.shape, one.shape, first, channels)
            terms.append(replace(term, map=made))
        first += one.shape[0]
    bias = np.concatenate([one.bias for one in currents])
    label = next((one.label for one in currents if one.label), "")
    return Current((channels, *currents[0].shape[1:]), tuple(terms), bias, label)
