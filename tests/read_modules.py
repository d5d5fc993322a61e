"""What from_module() makes of modules."""

import pytest
from torch import nn

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.nodes import Neuron
from snn2rtl.frontend import from_module


def problems_of(net: nn.Module) -> tuple[str, ...]:
    with pytest.raises(UnsupportedModelError) as caught:
        from_module(net)
    return caught.value.problems


def neuron_of(node: nn.Module) -> Neuron:
    found = from_module(nn.Sequential(nn.Linear(1, 1), node)).nodes[1]
    assert isinstance(found, Neuron)
    return found
