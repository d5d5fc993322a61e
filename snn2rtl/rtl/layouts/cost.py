"""What a synapse layout costs, in bits and in cycles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snn2rtl.fixed_point import IntArray

FETCH_BITS = 4500  # block memory for each 100 LUTs, which is what a row fetch takes, in ECP5 and Xilinx devices


@dataclass(frozen=True, eq=False)
class Cost:
    """What a layout costs.

    bits: of its memories. words: those that a spike of each input makes each row fetch read, shape (inputs, fetches);
    fetches are independent of each other, and there is one for all lanes or one for each.
    """

    bits: int
    words: IntArray

    @property
    def words_per_row(self) -> IntArray:
        """Words that the fullest fetch reads for a spike of each input, shape (inputs,)."""
        longest: IntArray = self.words.max(axis=1)
        return longest

    @property
    def words_per_spike(self) -> float:
        """Cycles that a spike takes on average, where all inputs fire equally often."""
        return self.cycles(np.ones(len(self.words), np.int64)) / len(self.words)

    @property
    def area_time(self) -> float:
        """Bits of memory, or logic that a device has as much of, times the cycles of a spike."""
        fetches = self.words.shape[1]
        return (self.bits + (int(fetches) - 1) * FETCH_BITS) * self.words_per_spike

    def cycles(self, firing: IntArray) -> int:
        """Return the cycles of fetching rows, for so many spikes of each input, shape (inputs,); no queue is ever full.

        A fetch for all lanes spends a cycle on an empty row too; no layout takes more than one spike a cycle.
        """
        words = self.words if self.words.shape[1] > 1 else self.words.clip(1)
        return max(int(firing.sum()), int((firing @ words).max(initial=0)))


def entropy_bits(weight: IntArray, weight_bits: int) -> float:
    """Return the bits of the non-zero values plus the entropy of their positions: no layout can expect to beat it."""
    used = np.count_nonzero(weight)
    shares = [share for share in (used / weight.size, 1 - used / weight.size) if share]
    return float(used * weight_bits - weight.size * sum(share * np.log2(share) for share in shares))
