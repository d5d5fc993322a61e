"""What a synapse layout costs, in bits and in cycles."""

from __future__ import annotations

from dataclasses import dataclass

from snn2rtl.fixed_point import IntArray


@dataclass(frozen=True, eq=False)
class Cost:
    """What a layout costs.

    bits: of its memories. words: those that a spike of each input makes each walker read, shape (inputs, walkers);
    walkers are independent of each other, and there is one for all lanes or one for each.
    """

    bits: int
    words: IntArray

    @property
    def words_per_row(self) -> IntArray:
        """Words that the fullest walker reads for a spike of each input, shape (inputs,)."""
        longest: IntArray = self.words.max(axis=1)
        return longest

    def cycles(self, firing: IntArray) -> int:
        """Return the cycles of walking so many spikes of each input, shape (inputs,), where no queue is ever full.

        A walker of all lanes spends a cycle on an empty row too; no layout takes more than one spike a cycle.
        """
        words = self.words if self.words.shape[1] > 1 else self.words.clip(1)
        return max(int(firing.sum()), int((firing @ words).max(initial=0)))
