"""Words of bits and their text: one word a line in hexadecimal, as $readmemh, $fscanf and $fdisplay have it.

Bits are arrays of shape (words, width), uint8, most significant bit first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2rtl.fixed_point import IntArray

Bits = NDArray[np.uint8]

_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)
_VALUES = np.full(256, 255, np.uint8)
_VALUES[_DIGITS] = np.arange(16)


def to_bits(values: IntArray, width: int) -> Bits:
    """Return integers of shape (words,) as two's complement words.

    >>> to_bits(np.array([5, -1]), 4).tolist()
    [[0, 1, 0, 1], [1, 1, 1, 1]]
    """
    bits: NDArray[Any] = np.asarray(values)[:, None] >> np.arange(width - 1, -1, -1) & 1
    return bits.astype(np.uint8)


def from_bits(bits: Bits) -> NDArray[np.int64]:
    """Return the unsigned integers of words of up to 62 bits.

    >>> from_bits(to_bits(np.array([5, -1]), 4)).tolist()
    [5, 15]
    """
    weights = np.int64(1) << np.arange(bits.shape[1] - 1, -1, -1, dtype=np.int64)
    return bits.astype(np.int64) @ weights


def to_lines(bits: Bits) -> bytes:
    r"""Return the text of words, each on a line of ``ceil(width / 4)`` digits.

    >>> to_lines(to_bits(np.array([5, 30]), 5))
    b'05\n1e\n'
    """
    words, width = bits.shape
    length = -(-width // 4)
    digits = np.pad(bits, ((0, 0), (4 * length - width, 0))).reshape(words, length, 4) @ np.array(
        [8, 4, 2, 1], np.uint8
    )
    lines = np.full((words, length + 1), ord("\n"), np.uint8)
    lines[:, :-1] = _DIGITS[digits]
    return lines.tobytes()


def from_lines(text: bytes, width: int) -> Bits:
    """Return the words of a text that to_lines() or a simulator wrote.

    Raises:
        ValueError: a line has another length or a digit is not hexadecimal, as the x of an unknown bit.
    """
    length = -(-width // 4) + 1
    if len(text) % length:
        raise ValueError(f"text of {len(text)} bytes must hold whole lines of {length}")
    lines = np.frombuffer(text, np.uint8).reshape(len(text) // length, length)
    digits = _VALUES[lines[:, :-1]]
    bad = np.flatnonzero((digits == 255).any(axis=1) | (lines[:, -1] != ord("\n")))
    if bad.size:
        shown = lines[bad[0]].tobytes().decode(errors="replace").strip()
        raise ValueError(f"word {bad[0]} must be hexadecimal, not {shown!r}")
    bits = np.unpackbits(digits[:, :, None], axis=2)[:, :, 4:]
    return bits.reshape(len(lines), 4 * (length - 1))[:, -width:]
