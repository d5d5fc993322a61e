"""Damaged copies of a file: bits, bytes and blocks changed, cut out, put in and cut off."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def mutated(whole: bytes, count: int, seed: int = 0) -> Iterator[bytes]:
    """Yield so many damaged copies; those of the first and last bytes, where headers are, are more frequent."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        content = bytearray(whole)
        for _ in range(random.integers(1, 4)):
            at = int(random.choice((random.integers(len(content)), random.integers(min(200, len(content))),
                                    len(content) - 1 - random.integers(min(200, len(content))))))  # fmt: skip
            length = int(random.integers(1, 30))
            match int(random.integers(6)):
                case 0:
                    content[at] ^= 1 << int(random.integers(8))
                case 1:
                    content[at] = int(random.choice((0, 1, 0x7F, 0xFF, ord("("), ord("'"), ord("9"))))
                case 2:
                    content[at : at + length] = random.bytes(length)
                case 3:
                    del content[at : at + length]
                case 4:
                    content[at:at] = random.bytes(length)
                case _:
                    del content[at + 1 :]
        yield bytes(content)
