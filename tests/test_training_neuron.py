"""Neurons over time against plain autograd, step by step, in float64."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from snn2rtl.training.delay import Delay, shifted
from snn2rtl.training.neuron import Parameters, fire, integrate

STEPS, SAMPLES, NEURONS = 12, 3, 5


class _Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, excess: Tensor) -> Tensor:
        ctx.save_for_backward(excess)
        return (excess >= 0).to(excess.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (excess,) = ctx.saved_tensors
        return gradients[0] / (1 + (math.pi * excess) ** 2)


def naive(current: Tensor, n: Parameters, soft: bool) -> Tensor:
    """Return the spikes, as the equations of fire() say, with a gradient through everything but the reset."""
    membrane = synaptic = adaptation = torch.zeros_like(current[0])
    spikes: list[Tensor] = []
    for x in current:
        entering = x + n.bias
        if n.recurrent is not None and spikes:
            entering = entering + spikes[-1] @ n.recurrent.T
        if n.keep_current is not None:
            entering = synaptic = synaptic * n.keep_current + entering
        charged = membrane * n.keep + entering
        fired: Tensor = _Spike.apply((charged + adaptation) / n.fire_at - 1)  # type: ignore[no-untyped-call]
        spikes.append(fired)
        if n.adaptation_step is not None:
            assert n.keep_adaptation is not None
            adaptation = adaptation * n.keep_adaptation - fired * n.adaptation_step
        gone = fired.detach()
        membrane = charged - gone * n.fire_at.detach() if soft else charged * (1 - gone)
    return torch.stack(spikes)


def numbers(kind: str, recurrent: bool) -> Parameters:
    def each(low: float, high: float) -> Tensor:
        return torch.empty(NEURONS, dtype=torch.float64).uniform_(low, high).requires_grad_()

    back = torch.randn(NEURONS, NEURONS, dtype=torch.float64) * 0.3
    return Parameters(
        bias=each(-0.1, 0.2),
        fire_at=each(0.8, 1.5),
        keep=each(0.6, 0.95),
        keep_current=each(0.3, 0.8) if kind == "current" else None,
        keep_adaptation=each(0.7, 0.95) if kind == "adaptive" else None,
        adaptation_step=each(0.1, 0.4) if kind == "adaptive" else None,
        recurrent=back.requires_grad_() if recurrent else None,
    )


@pytest.mark.parametrize("kind", ["lif", "current", "adaptive"])
@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("soft", [False, True])
def test_spikes_and_gradients_are_those_of_the_equations(kind: str, recurrent: bool, soft: bool) -> None:
    torch.manual_seed(0)
    given = numbers(kind, recurrent)
    current = (torch.randn(STEPS, SAMPLES, NEURONS, dtype=torch.float64) * 0.7).requires_grad_()
    weights = torch.randn(STEPS, SAMPLES, NEURONS, dtype=torch.float64)
    leaves = [current, *(number for number in given if number is not None)]
    spikes, expected = fire(current, given, STEPS, soft=soft), naive(current, given, soft)
    assert 0.05 < spikes.mean() < 0.6
    assert torch.equal(spikes, expected)
    for found, wanted in zip(
        torch.autograd.grad((spikes * weights).sum(), leaves),
        torch.autograd.grad((expected * weights).sum(), leaves),
        strict=True,
    ):
        assert wanted.any()
        torch.testing.assert_close(found, wanted)


def test_integrators_have_the_gradients_of_their_equation() -> None:
    torch.manual_seed(0)
    current = torch.randn(STEPS, SAMPLES, NEURONS, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(NEURONS, dtype=torch.float64, requires_grad=True)
    keep = torch.empty(NEURONS, dtype=torch.float64).uniform_(0.3, 0.9).requires_grad_()
    assert torch.autograd.gradcheck(integrate, (current, bias, keep))
    by_hand = [current[0] + bias]
    for x in current[1:]:
        by_hand.append(by_hand[-1] * keep + x + bias)
    torch.testing.assert_close(integrate(current, bias, keep), torch.stack(by_hand))


# delays


def test_inputs_arrive_later_each_at_its_own_pace() -> None:
    x = torch.rand(6, 2, 4)
    delay = torch.tensor([0, 2, 5, 9])
    late = shifted(x, delay)
    for column, steps in enumerate(delay.tolist()):
        assert torch.equal(late[steps:, :, column], x[: max(0, 6 - steps), :, column])
        assert not late[:steps, :, column].any()
    assert torch.equal(shifted(late, -delay)[:4, :, 1], x[:4, :, 1])


def test_the_gradient_of_the_inputs_comes_back_at_their_time() -> None:
    layer = Delay(3, 4, learn=True)
    with torch.no_grad():
        layer.steps.copy_(torch.tensor([0.4, 2.6, 7.0]))
    assert layer.whole().tolist() == [0, 3, 4]
    x = torch.rand(8, 2, 3, requires_grad=True)
    weights = torch.rand(8, 2, 3)
    (layer(x) * weights).sum().backward()
    assert torch.equal(x.grad, shifted(weights, -layer.whole()))  # type: ignore[arg-type]


def test_a_delay_learns_where_its_input_should_be() -> None:
    """The loss wants the pulse of input 0 in step 9; the delay of input 1 is right."""
    torch.manual_seed(0)
    x = torch.zeros(20, 1, 2)
    x[3:6], wanted = 1, torch.zeros(20, 1, 2)
    wanted[8:11] = 1
    layer = Delay(2, 15, learn=True)
    with torch.no_grad():
        layer.steps.copy_(torch.tensor([2.0, 5.0]))
    for _ in range(40):
        (of_delay,) = torch.autograd.grad(((layer(x) - wanted) ** 2).sum(), layer.steps)
        with torch.no_grad():
            layer.steps -= 0.2 * of_delay
    assert layer.whole().tolist() == [5, 5]
