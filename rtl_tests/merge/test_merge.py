"""snn_merge: every event of every source in its step, one end for all, and nobody waits before its step ends."""

import pytest


def parameters(offsets: list[int], in_width: int, row_width: int, previous: tuple[int, ...] = ()) -> dict:
    count = len(offsets)
    packed = sum(offset << i * row_width for i, offset in enumerate(offsets))
    return {
        "NumIn": count,
        "InWidth": in_width,
        "RowWidth": row_width,
        "Offsets": f"{count * row_width}'h{packed:x}",
        "Previous": f"{count}'d{sum(1 << i for i in previous)}",
    }


PARAMETERS = {
    "two": parameters([0, 8], 3, 4),
    "recurrent": parameters([5, 0], 4, 5, previous=(0,)),
    "five": parameters([600, 0, 3, 100, 116], 8, 10, previous=(1, 4)),
    "added": parameters([0, 0], 4, 4),
    "one": parameters([2], 1, 2),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_merge(bench, name):
    bench("snn_merge", "rtl_tests.merge.merge_tests", PARAMETERS[name])
