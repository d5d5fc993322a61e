"""Time steps as lists of addresses, in which an address may come more than once, and their events on a stream."""

from __future__ import annotations

import random
from collections.abc import Callable

from cocotb_streams import Beat

Steps = list[list[list[int]]]  # addresses of each step of each sample


def random_steps(samples: int, steps: int, places: int, most: int = 24) -> Steps:
    """Return steps of which many are silent, and some have few addresses that come many times."""

    def step() -> list[int]:
        few = [random.randrange(places) for _ in range(random.choice([1, 2, places]))]
        return [random.choice(few) for _ in range(random.choice([0, 0, 1, 3, most]))]

    return [[step() for _ in range(steps)] for _ in range(samples)]


def step_events(samples: Steps, addr_width: int) -> list[Beat]:
    """Return the events (address, step end, sample end); at the end of a step the address is noise."""
    beats: list[Beat] = []
    for sample in samples:
        for number, step in enumerate(sample):
            beats += [(address, 0, 0) for address in step]
            beats.append((random.getrandbits(addr_width), 1, int(number == len(sample) - 1)))
    return beats


def changed(samples: Steps, change: Callable[[list[int]], list[int]]) -> Steps:
    """Return the steps with a change to each."""
    return [[change(step) for step in sample] for sample in samples]


def quiet(beats: list[Beat]) -> list[Beat]:
    """Return events with address 0 at ends of steps, as event_check() sees them."""
    return [(0 if beat[1] else beat[0], *beat[1:]) for beat in beats]
