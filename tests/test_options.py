import re

import pytest

from snn2rtl.errors import OptionError
from snn2rtl.options import PerLayer, QuantizeOptions, RtlOptions, Targets


def test_a_layer_s_own_value_goes_before_the_default():
    bits = PerLayer(8, {"fc1": 4})
    assert (bits["fc1"], bits["fc2"]) == (4, 8)


def test_names_that_the_network_does_not_have():
    lanes = PerLayer(8, {"fc1": 4, "fc3": 2, "fc4": 2})
    with pytest.raises(OptionError, match=r"^--lanes: layers must be among fc1, fc2, not fc3, fc4$"):
        lanes.check_names("lanes", ["fc1", "fc2"])
    lanes.check_names("lanes", ["fc1", "fc3", "fc4"])


@pytest.mark.parametrize(
    ("options", "values", "message"),
    [
        (QuantizeOptions, {"bits": PerLayer(-1)}, "--bits: must be 1..16, not -1"),
        (QuantizeOptions, {"bits": PerLayer(99)}, "--bits: must be 1..16, not 99"),
        (QuantizeOptions, {"bits": PerLayer(8, {"fc1": 17})}, "--bits: must be 1..16, not 17"),
        (QuantizeOptions, {"membrane_bits": PerLayer(49)}, "--membrane-bits: must be 0..48, not 49"),
        (QuantizeOptions, {"membrane_fraction": PerLayer(25)}, "--membrane-fraction: must be -1..24, not 25"),
        (QuantizeOptions, {"leak_bits": 0}, "--leak-bits: must be 1..15, not 0"),
        (QuantizeOptions, {"leak_bits": 16}, "--leak-bits: must be 1..15, not 16"),
        (QuantizeOptions, {"time_steps": -1}, "--time-steps: must be 0..65536, not -1"),
        (QuantizeOptions, {"scale": "row"}, "--scale: must be neuron or layer, not row"),
        (QuantizeOptions, {"leak": "divide"}, "--leak: must be auto, shift or multiplier, not divide"),
        (RtlOptions, {"lanes": PerLayer(-1)}, "--lanes: must be 0..1024, not -1"),
        (RtlOptions, {"lanes": PerLayer(1025)}, "--lanes: must be 0..1024, not 1025"),
        (Targets, {"cycles": 0}, "--target-cycles: must be 1..281474976710656, not 0"),
        (Targets, {"bram": -1}, "--target-bram: must be 1..281474976710656, not -1"),
        (RtlOptions, {"output": "all"}, "--output: must be class, counts or spikes, not all"),
    ],
)
def test_values_out_of_range(options, values, message):
    with pytest.raises(OptionError, match=rf"^{re.escape(message)}$"):
        options(**values)
