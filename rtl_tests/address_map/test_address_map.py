"""snn_address_map: an event for each target of an address, in order, one a cycle; none where there is none."""

import pytest


def parameters(addr_width: int, targets: int, target_width: int) -> dict:
    return {"AddrWidth": addr_width, "NumTargets": targets, "TargetWidth": target_width}


PARAMETERS = {
    "one-target": parameters(5, 1, 3),
    "four-targets": parameters(6, 4, 7),
    "narrowest": parameters(1, 1, 1),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_address_map(bench, name):
    bench("snn_address_map", "rtl_tests.address_map.address_map_tests", PARAMETERS[name])
