"""What networks of pixels and values have: beats, a multiplier, and a current that is held for all steps."""

import pytest

from snn2rtl.fixed_point import unsigned_bits


def ingress(inputs: int, pixels: int, **more: int) -> dict:
    return {"NumInputs": inputs, "AddrWidth": unsigned_bits(inputs - 1), "NumPixels": pixels, "PixelWidth": 8, **more}


def held(current: int, state: int, slots: int) -> dict:
    widths = {"CurrentWidth": current, "StateWidth": state}
    return {**widths, "NumSlots": slots, "SlotWidth": unsigned_bits(slots - 1)}


INGRESS = {
    "whole-beats": ingress(48, 8),
    "part-of-a-beat": ingress(45, 8),
    "odd": ingress(17, 3),
    "one-pixel": ingress(9, 1),
    "one-beat": ingress(5, 8),
    "one-input": ingress(1, 8),
    "steps": ingress(21, 4, HasSteps=1),
    "steps-of-a-beat": ingress(5, 8, HasSteps=1),
}
PRODUCT = {
    "four-bits": {"WeightWidth": 4, "PixelWidth": 8},
    "one-bit": {"WeightWidth": 1, "PixelWidth": 8},
    "sixteen-bits": {"WeightWidth": 16, "PixelWidth": 8},
}
HELD = {"many-slots": held(14, 17, 9), "seven-slots": held(12, 12, 7), "one-slot": held(9, 20, 1)}


@pytest.mark.parametrize("name", INGRESS)
def test_pixel_ingress(bench, name):
    bench("snn_pixel_ingress", "rtl_tests.direct.ingress_tests", INGRESS[name])


@pytest.mark.parametrize("name", PRODUCT)
def test_pixel_product(bench, name):
    bench("snn_pixel_product", "rtl_tests.direct.product_tests", PRODUCT[name])


@pytest.mark.parametrize("name", HELD)
def test_held_current(bench, name):
    bench("snn_held_current", "rtl_tests.direct.held_tests", HELD[name])
