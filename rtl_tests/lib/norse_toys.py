"""Networks as users of Norse build them, compiled."""

from __future__ import annotations

from snn2rtl.compiler import compile_network
from snn2rtl.int_net.network import FixedPointNetwork


def of_norse(is_recurrent: bool) -> FixedPointNetwork:
    """Return a 6-5-4 network: LIF cells behind synaptic currents, read by integrators behind such."""
    import torch
    from norse.torch import LICell, LIFCell, LIFParameters, LIFRecurrentCell, SequentialState

    from snn2rtl.frontend import from_module

    torch.manual_seed(5)
    quick = LIFParameters(v_th=torch.tensor(0.1))
    first = [LIFRecurrentCell(6, 5, quick)] if is_recurrent else [torch.nn.Linear(6, 5), LIFCell(quick)]
    net = SequentialState(*first, torch.nn.Linear(5, 4), LICell())
    return compile_network(from_module(net, name="toy"))[0]
