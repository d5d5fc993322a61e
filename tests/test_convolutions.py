"""Convolutions and pools beside torch's own: read from modules, quantized, with every spike SpikingJelly's."""

import numpy as np
import pytest
import torch
from spikingjelly.activation_based import functional, layer, neuron
from torch import nn

import snn2rtl
from snn2rtl.cli import main
from snn2rtl.compiler import fold
from snn2rtl.errors import OptionError, UnsupportedModelError
from snn2rtl.float_net import reference as float_reference
from snn2rtl.float_net.layered import LayeredNetwork
from snn2rtl.frontend import from_module, load, save
from snn2rtl.int_net import reference
from snn2rtl.options import PerLayer, QuantizeOptions


def layered(shape: tuple[int, ...], *modules: nn.Module) -> LayeredNetwork:
    """Return the layers of these modules on an input of this shape, with neurons behind them that do not fire."""
    net = nn.Sequential(nn.Unflatten(-1, shape), *modules, neuron.IFNode(v_threshold=1e9))
    return fold(from_module(net))


def currents(network: LayeredNetwork, x: np.ndarray) -> np.ndarray:
    """Return what flows into the neurons for inputs of shape (N, inputs)."""
    return float_reference.run(network, x[None].astype(np.uint8), np.float64)[network.output.name].membranes[0]


def assert_torch_s(modules: list[nn.Module], shape: tuple[int, ...], seed: int = 0) -> None:
    """Hold what flows into neurons behind modules against the modules themselves, for random spikes."""
    x = np.random.default_rng(seed).integers(0, 2, (3, *shape)).astype(float)
    wanted = nn.Sequential(*modules).double()(torch.from_numpy(x)).detach().numpy()
    found = currents(layered(shape, *modules), x.reshape(3, -1))
    np.testing.assert_allclose(found, wanted.reshape(3, -1), rtol=0, atol=1e-12)


@pytest.mark.parametrize("case", range(40))
def test_convolutions_compute_what_torch_s_do(case):
    rng = np.random.default_rng(case)
    axes, groups = 1 + case % 2, int(rng.integers(1, 4))
    kind = (nn.Conv1d, nn.Conv2d)[axes - 1]
    channels, out = (groups * int(n) for n in rng.integers(1, 4, 2))
    kernel, stride, dilation = (tuple(map(int, rng.integers(1, most, axes))) for most in (4, 4, 3))
    padding = tuple(map(int, rng.integers(0, 3, axes)))
    conv = kind(channels, out, kernel, stride, padding, dilation, groups, bias=case % 3 > 0)
    assert_torch_s([conv], (channels, *map(int, rng.integers(6, 9, axes))), case)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_padding_by_name(padding):
    assert_torch_s([nn.Conv2d(2, 3, (3, 5), padding=padding, dilation=(2, 1))], (2, 9, 8))


POOLS = [
    [nn.AvgPool2d(2), nn.AvgPool2d(2, stride=1), nn.Conv2d(3, 4, 2)],
    [nn.AvgPool2d(3, stride=2, padding=1), nn.Conv2d(3, 4, 2, padding=1)],
    [
        nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False, ceil_mode=True),
        nn.BatchNorm2d(3),
        nn.Conv2d(3, 2, 1),
    ],
    [nn.AvgPool2d((3, 4), ceil_mode=True, divisor_override=5), nn.Flatten(), nn.Linear(27, 4)],
    [nn.Conv2d(3, 4, 3, padding=1), nn.AvgPool2d(3, padding=1, ceil_mode=True)],
    [nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.AvgPool2d(3, padding=1, divisor_override=4)],
    [layer.AvgPool2d(3, 2, 1), layer.BatchNorm2d(3), layer.Flatten(), layer.Linear(60, 2)],
    [nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True), nn.Conv2d(3, 2, 2)],
    [layer.MaxPool2d(2, stride=1, dilation=2), nn.Flatten(), nn.Linear(126, 2)],
    [nn.AdaptiveAvgPool2d((4, 3)), nn.Conv2d(3, 2, 1)],
    [nn.AdaptiveAvgPool2d((11, 5)), nn.Conv2d(3, 2, 3)],
    [layer.Conv2d(3, 2, 1), layer.AdaptiveAvgPool2d(1), layer.Flatten(), layer.Linear(2, 2)],
]
ROWS = [
    [nn.AvgPool1d(3, stride=2, padding=1, ceil_mode=True, count_include_pad=False), nn.Conv1d(3, 2, 2)],
    [nn.MaxPool1d(2, ceil_mode=True), nn.AvgPool1d(2), nn.BatchNorm1d(3), nn.Conv1d(3, 1, 1)],
    [layer.AvgPool1d(2), layer.Conv1d(3, 2, 1, groups=1)],
    [nn.AdaptiveAvgPool1d(3), nn.Flatten(), nn.Linear(9, 2)],
    [nn.AdaptiveAvgPool1d(5), nn.Conv1d(3, 2, 3, padding=1)],
    [nn.Conv1d(3, 2, 5), nn.AdaptiveAvgPool1d(7), nn.Flatten(), nn.Linear(14, 2)],
]


@pytest.mark.parametrize(
    ("modules", "shape"), [*((modules, (3, 8, 9)) for modules in POOLS), *((modules, (3, 9)) for modules in ROWS)]
)
def test_pools_compute_what_torch_s_do(modules, shape):
    for module in modules:
        module.eval()
    assert_torch_s(modules, shape)


def hybrid() -> nn.Sequential:
    """Return a spiking CNN of dyadic numbers: whatever rounds would show."""
    torch.manual_seed(3)
    net = nn.Sequential(
        layer.Conv2d(2, 4, 3, padding=1, stride=2, bias=True),
        layer.BatchNorm2d(4, eps=0.25),
        neuron.IFNode(v_threshold=2.0),
        layer.Dropout2d(0.5),
        layer.AvgPool2d(2),
        layer.Conv2d(4, 6, 2, groups=2, bias=False),
        neuron.LIFNode(tau=2.0, decay_input=False),
        layer.Flatten(),
        layer.Linear(6 * 9, 5),
        neuron.LIFNode(tau=4.0, decay_input=False, v_reset=None),
    )
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randint(-12, 20, parameter.shape) / 8)
        net[1].weight.copy_(torch.tensor([0.5, 1.0, -0.5, 2.0]))
        net[1].running_var.fill_(0.75)
        net[1].running_mean.copy_(torch.tensor([0.5, 0.0, -0.25, 0.125]))
    functional.set_step_mode(net, "m")
    return net.eval().double()


def test_a_spiking_cnn_is_spikingjelly_s_spike_for_spike(tmp_path):
    net = hybrid()
    spikes = np.random.default_rng(0).integers(0, 2, (6, 7, 2, 16, 16), dtype=np.uint8)
    with torch.no_grad():
        wanted = net(torch.from_numpy(spikes).double()).numpy()
    save(net, tmp_path / "model.pt")
    options = QuantizeOptions(bits=PerLayer(12), membrane_fraction=PerLayer(20), strict=True, time_steps=6)
    compiled = snn2rtl.compile(load(tmp_path / "model.pt"), input_shape=(2, 16, 16), quantize=options)
    found = reference.run(compiled.network, spikes.reshape(6, 7, -1)).in_order[-1].spikes
    assert np.array_equal(found, wanted)
    assert 0 < wanted.mean() < 1


def test_what_has_no_exact_hardware_is_refused_by_name():
    modules = nn.Sequential(
        nn.Conv1d(1, 2, 3, padding=1, padding_mode="circular"),
        nn.Conv1d(1, 2, 4, padding="same"),
        nn.MaxPool1d(2, return_indices=True),
        nn.LPPool1d(2, 2),
        nn.AdaptiveMaxPool1d(2),
        nn.AdaptiveAvgPool2d((None, 1)),
        nn.Unflatten(0, (1, 4)),
    )
    with pytest.raises(UnsupportedModelError) as caught:
        from_module(modules)
    rules = ("padding_mode must be", "equal at both", "return_indices must be", "not LPPool1d", "not AdaptiveMaxPool1d",
             "output_size must be fixed", "dim must be")  # fmt: skip
    for index, (rule, problem) in enumerate(zip(rules, caught.value.problems, strict=True)):
        assert problem.startswith(f"layer '{index}': ")
        assert rule in problem


@pytest.mark.parametrize(
    ("shape", "modules", "message"),
    [
        ((1, 8), [nn.Conv2d(1, 2, 3)], "layer '1': Convolution of 2 axes must have an input of 3 axes, channels first"),
        ((2, 8), [nn.Conv1d(1, 2, 3)], "layer '1': must take 2 channels, not 1"),
        ((1, 8), [nn.Conv1d(1, 2, 9)], "layer '1': kernel must fit the input of shape (1, 8), which it does not"),
        ((1, 8), [nn.AvgPool1d(9), nn.Conv1d(1, 2, 1)], "layer '1': kernel must fit the input of shape (8,)"),
        ((1, 8), [nn.Conv1d(1, 2, 3), nn.Linear(6, 2)], "layer '2': Linear must come after a Flatten"),
        ((1, 8), [nn.Conv1d(1, 2, 3), nn.BatchNorm1d(3)], "layer '2': must have 2 channels, not 3"),
        (
            (1, 2**16),
            [nn.Conv1d(1, 1, 3), nn.Conv1d(1, 1, 3, padding=1)],
            "layer '2': must have at most 134217728 weights when unrolled, not 4294705156",
        ),
        (
            (1, 8),
            [nn.Conv1d(1, 2, 3), nn.MaxPool1d(2), nn.Conv1d(2, 2, 1)],
            "layer '2': MaxPool of currents must come right before spiking neurons, or pool spikes right behind them, "
            "not stand before '3'",
        ),
    ],
)  # fmt: skip
def test_misfits_are_named(shape, modules, message):
    with pytest.raises(UnsupportedModelError) as caught:
        layered(shape, *modules)
    assert message in str(caught.value)


def test_a_convolution_needs_a_shape(tmp_path, capsys):
    path = tmp_path / "model.pt"
    net = nn.Sequential(nn.Conv1d(1, 2, 3), neuron.IFNode(), nn.Flatten(), nn.Linear(12, 3), neuron.IFNode())
    save(net, path)
    assert main(["compile", str(path), "--out", str(tmp_path / "rtl")]) == 1
    assert "layer '0': Convolution must have an input of known shape; give --input-shape, such as 1,28" in (
        capsys.readouterr().err.replace("\n", " ")
    )
    out = tmp_path / "net.npz"
    assert main(["compile", str(path), "--input-shape", "1,8", "--out", str(out)]) == 0
    with pytest.raises(OptionError, match="integer network already, whose inputs have a shape"):
        snn2rtl.compile(out, input_shape=(1, 8))
    with pytest.raises(SystemExit):
        main(["compile", str(path), "--input-shape", "1,0", "--out", str(out)])
    assert "must be positive integers such as 1,28,28, not '1,0'" in capsys.readouterr().err
