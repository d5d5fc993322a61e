"""Which axis of a traced tensor is time, which is the batch, and what becomes of both when it is reshaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

TIME, BATCH, MERGED, FEATURE = "time", "batch", "time and batch", "feature"


@dataclass(frozen=True)
class Axes:
    """Roles and sizes of the axes of a tensor; MERGED is time and batch as one axis, time the slower."""

    roles: tuple[str, ...]
    sizes: tuple[int, ...]

    @property
    def lead(self) -> tuple[str, ...]:
        """Roles of all axes that are no features."""
        return tuple(role for role in self.roles if role != FEATURE)

    @property
    def sample(self) -> tuple[int, ...]:
        """The shape of one sample in one step."""
        return tuple(size for role, size in zip(self.roles, self.sizes, strict=True) if role == FEATURE)

    @property
    def is_plain(self) -> bool:
        """Whether the features come last."""
        return FEATURE not in self.roles[: len(self.lead)]

    def without(self, axis: int) -> Axes:
        """Return the axes without one of them."""
        keep = [index for index in range(len(self.roles)) if index != axis]
        return self.permuted(keep)

    def permuted(self, order: Sequence[int]) -> Axes:
        """Return the axes in another order."""
        return Axes(tuple(self.roles[index] for index in order), tuple(self.sizes[index] for index in order))

    def with_sample(self, sizes: tuple[int, ...]) -> Axes:
        """Return the same axes of time and batch before other features."""
        count = len(self.lead)
        return Axes((*self.lead, *(FEATURE,) * (len(sizes) - count)), sizes)


def reshaped(axes: Axes, sizes: tuple[int, ...], batch: int) -> Axes | None:
    """Return the axes of a tensor after view(), flatten() or the like, or None where they would get mixed up.

    Args:
        axes: those before.
        sizes: those after.
        batch: size of the batch, which divides no other axis.
    """
    roles: list[str] = []
    for before, after in _groups(axes.sizes, sizes):
        old, new = [axes.roles[index] for index in before], [sizes[index] for index in after]
        if set(old) == {FEATURE}:
            roles += [FEATURE] * len(new)
        elif len(old) == len(new) == 1:
            roles += old
        elif old == [TIME, BATCH] and len(new) == 1:
            roles.append(MERGED)
        elif old == [MERGED] and len(new) == 2 and new[1] == batch:
            roles += [TIME, BATCH]
        else:
            return None
    return Axes(tuple(roles), sizes)


def _groups(old: tuple[int, ...], new: tuple[int, ...]) -> list[tuple[list[int], list[int]]]:
    """Return the least groups of neighbouring axes that hold the same elements before and after."""
    groups: list[tuple[list[int], list[int]]] = []
    i = j = 0
    while i < len(old) and j < len(new):
        before, after = [i], [j]
        left, right = old[i], new[j]
        while left != right:
            if left < right:
                i += 1
                left *= old[i]
                before.append(i)
            else:
                j += 1
                right *= new[j]
                after.append(j)
        i, j = i + 1, j + 1
        groups.append((before, after))
    if groups:  # axes of size 1 at the end
        groups[-1][0].extend(range(i, len(old)))
        groups[-1][1].extend(range(j, len(new)))
    return groups
