"""Classes with a forward(): the integer network counts and scores what they give, exactly where numbers are dyadic."""

import operator
from dataclasses import replace

import numpy as np
import pytest
import torch
from model_files import same
from run_steps import exact, spikes
from spikingjelly.activation_based import functional, layer, neuron
from spikingjelly.activation_based.ann2snn.modules import VoltageScaler
from torch import Tensor, nn

import snn2rtl
from snn2rtl.cli import main
from snn2rtl.encoders import MAX_PIXEL, Encoder
from snn2rtl.errors import ModelFileError, OptionError, UnsupportedModelError
from snn2rtl.frontend import from_module, load, save
from snn2rtl.int_net import reference
from snn2rtl.options import PerLayer, QuantizeOptions

STEPS, SAMPLES, IN, HIDDEN, OUT = 6, 8, 7, 6, 4
EXACT = QuantizeOptions(bits=PerLayer(12), scale="layer", membrane_fraction=PerLayer(14), time_steps=STEPS)


def counts(net: nn.Module, example: Tensor, inputs: np.ndarray) -> np.ndarray:
    """Return what the integer network's class is the argmax of."""
    return reference.run(snn2rtl.compile(net, example_input=example, quantize=EXACT).network, inputs).counts


def is_multiple(found: np.ndarray, wanted: Tensor) -> bool:
    """Return whether scores are those that were wanted, in another unit."""
    values = wanted.detach().numpy().astype(np.float64)
    step = found.ravel()[np.argmax(np.abs(found))] / values.ravel()[np.argmax(np.abs(found))]
    return bool(step > 0 and np.allclose(found, values * step, rtol=0, atol=1e-6))


def agrees(net: nn.Module, example: Tensor) -> None:
    """Assert that forward() of all steps in one call, which sums up or scores them, is the integer network's."""
    net = exact(net)
    found = counts(net, example, example.flatten(2).numpy().astype(np.uint8))
    functional.reset_net(net)
    with torch.no_grad():
        wanted = net(example)
    assert np.ptp(found) > 0
    assert is_multiple(found, wanted), (found, wanted)


class Parts(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.lif1 = nn.Linear(IN, HIDDEN), neuron.LIFNode(decay_input=False, v_reset=None)
        self.fc2, self.lif2 = nn.Linear(HIDDEN, OUT), neuron.IFNode()


class Scaled(Parts):
    """Currents and spikes that are scaled between layers."""

    def __init__(self):
        super().__init__()
        self.before, self.behind = VoltageScaler(0.5), VoltageScaler(2.0)

    def forward(self, x):
        total = 0
        for x_t in x:
            first = self.lif1(self.before(self.fc1(2 * x_t)))
            total += self.lif2(self.fc2(self.behind(first)) / 4 + self.fc2(first))
        return total


class Counted(Parts):
    def forward(self, x):
        return sum(self.lif2(self.fc2(self.lif1(self.fc1(x_t)))) for x_t in x)


class Mean(Parts):
    def forward(self, x):
        out = 0.0
        for t in range(x.shape[0]):
            out += self.fc2(self.lif1(self.fc1(x[t])))
        return out / x.shape[0]


class Greatest(Parts):
    def forward(self, x):
        return torch.stack([self.fc2(self.lif1(self.fc1(x_t))) for x_t in x]).amax(0)


class Last(Parts):
    def forward(self, x):
        for x_t in x:
            out = self.fc2(self.lif1(self.fc1(x_t)))
        return out


class LinearOfTheMean(Parts):
    def forward(self, x):
        return self.fc2(functional.multi_step_forward(x, (self.fc1, self.lif1)).mean(0))


class Images(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(layer.Conv2d(2, 3, 3, padding=1, stride=2, bias=False), layer.BatchNorm2d(3))
        self.lif, self.pool = neuron.IFNode(), layer.AdaptiveAvgPool2d(2)
        self.fc = layer.Linear(12, OUT)
        functional.set_step_mode(self, "m")

    def forward(self, x):
        return self.fc(self.pool(self.lif(self.conv(x))).flatten(2)).sum(0)


@pytest.mark.parametrize("cls", [Counted, Mean, Greatest, Last, LinearOfTheMean, Scaled], ids=lambda cls: cls.__name__)
def test_what_is_read_over_time(cls):
    agrees(cls(), spikes(STEPS, SAMPLES, IN))


def test_convolutions():
    agrees(Images(), spikes(STEPS, SAMPLES, 2, 8, 8))


@pytest.mark.parametrize("decode", ["max-mem", "mean-mem", "last_mem"])
@pytest.mark.parametrize("node", [neuron.NonSpikingIFNode, lambda decode: neuron.NonSpikingLIFNode(4.0, decode)])
def test_membranes(node, decode):
    net = nn.Sequential(layer.Linear(IN, HIDDEN), neuron.IFNode(step_mode="m"), layer.Linear(HIDDEN, OUT), node(decode))
    agrees(net, spikes(STEPS, SAMPLES, IN))


class Summed(nn.Module):
    def __init__(self, *parts):
        super().__init__()
        self.net = nn.Sequential(*parts)
        functional.set_step_mode(self, "m")

    def forward(self, x):
        return self.net(x).sum(0)


@pytest.mark.parametrize("function", [torch.add, operator.add])
def test_recurrent_containers(function):
    def container():
        return layer.ElementWiseRecurrentContainer(neuron.IFNode(), function)

    recurrent = layer.LinearRecurrentContainer(neuron.LIFNode(v_reset=None), HIDDEN, HIDDEN)
    agrees(Summed(layer.Linear(IN, HIDDEN), container()), spikes(STEPS, SAMPLES, IN))
    agrees(Summed(recurrent, container()), spikes(STEPS, SAMPLES, HIDDEN))


def test_recurrent_containers_that_are_refused():
    for part, rule in (
        (
            layer.ElementWiseRecurrentContainer(neuron.IFNode(), lambda x, y: x * y),
            "layer 'net.1': element_wise_function must be operator.add or torch.add, whose sum weights",
        ),
        (
            layer.LinearRecurrentContainer(nn.Sequential(nn.Linear(HIDDEN, 3), neuron.IFNode()), HIDDEN, 3),
            "layer 'net.1': out_features must be 6 like in_features, for spikes go back to the neurons",
        ),
        (
            layer.LinearRecurrentContainer(nn.Sequential(neuron.IFNode()), HIDDEN, HIDDEN),
            "layer 'net.1.sub_module': must be a neuron (IFNode, LIFNode or ParametricLIFNode), not Sequential",
        ),
    ):  # fmt: skip
        with pytest.raises(UnsupportedModelError) as caught:
            from_module(Summed(nn.Linear(IN, HIDDEN), part), example_input=spikes(2, 1, IN))
        assert caught.value.problems[0].startswith(rule)


class Repeated(Parts):
    def forward(self, x):
        x = self.fc1(x)
        return sum(self.lif2(self.fc2(self.lif1(x))) for _ in range(STEPS))


def test_an_input_that_is_repeated_is_coded_directly():
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 2, (SAMPLES, IN)) * MAX_PIXEL)
    net = exact(Repeated())
    network = from_module(net, example_input=pixels)
    assert network.encoder == Encoder(kind="direct", time_steps=STEPS)
    with torch.no_grad():
        wanted = net(pixels.double() / MAX_PIXEL)
    assert np.array_equal(counts(net, pixels, pixels.numpy().astype(np.uint8)), wanted.numpy())
    with pytest.raises(UnsupportedModelError, match="encoder: must be direct with 6 steps, for forward"):
        from_module(net, example_input=pixels, encoder=Encoder.poisson(STEPS, 0.5))


def test_spikes_of_the_last_step_are_no_count():
    class Net(Parts):
        def forward(self, x):
            return [self.lif1(self.fc1(x_t)) for x_t in x][-1]

    with pytest.raises(UnsupportedModelError, match="sum or mean over time, not their last"):
        from_module(Net(), example_input=spikes(STEPS, 2, IN))


@pytest.mark.parametrize("shape", [(STEPS, 2, IN), (3, 5, IN)])
def test_only_the_shape_of_the_example_matters(shape):
    net = Counted()
    wanted = from_module(net, example_input=spikes(STEPS, SAMPLES, IN))
    assert same(wanted, from_module(net, example_input=np.zeros(shape)))
    assert same(wanted, from_module(net, input_shape=(IN,)))


def test_a_chain_is_the_same_traced_or_not():
    net = nn.Sequential(nn.Linear(IN, HIDDEN), neuron.LIFNode(), nn.Sequential(nn.Dropout(), nn.Linear(HIDDEN, OUT)))
    net.add_module("out", neuron.IFNode())
    assert same(replace(from_module(net), shape=(IN,)), from_module(net, example_input=spikes(2, IN)))
    images = nn.Sequential(nn.Conv2d(2, 3, 3), neuron.IFNode(), nn.Flatten(), nn.Linear(108, OUT), neuron.IFNode())
    assert same(
        from_module(images, input_shape=(2, 8, 8)), from_module(images, example_input=spikes(2, 2, 8, 8))
    )  # fmt: skip


def test_files_keep_what_was_traced(tmp_path):
    net, example = Images(), spikes(STEPS, 2, 2, 8, 8)
    save(net, tmp_path / "net.pt", example_input=example)
    assert same(load(tmp_path / "net.pt"), from_module(net, name="net", example_input=example))
    assert torch.serialization.get_unsafe_globals_in_checkpoint(tmp_path / "net.pt") == []
    snn2rtl.save(net, tmp_path / "other.pt", example_input=example, name="net")
    assert (tmp_path / "other.pt").read_bytes() == (tmp_path / "net.pt").read_bytes()
    with pytest.raises(UnsupportedModelError, match="not Images; give an example_input"):
        save(net, tmp_path / "no.pt")
    with pytest.raises(OptionError, match="example_input: must be left out where the model is no module in memory"):
        snn2rtl.compile(tmp_path / "net.pt", example_input=example)


MODULE = """
import torch
from torch import nn
from spikingjelly.activation_based import neuron

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.lif = nn.Linear(7, 4), neuron.IFNode()

    def forward(self, x):
        return sum(self.lif(self.fc(x_t)) for x_t in x)

def with_input():
    return Net(), torch.zeros(3, 2, 7)

def fails():
    raise RuntimeError("operator torchvision::nms does not exist")
"""


@pytest.fixture
def own_code(tmp_path, monkeypatch):
    """A package of the user in the current folder, and a checkpoint of its network."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "nets.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    for name in ("mine", "mine.nets"):
        monkeypatch.delitem(__import__("sys").modules, name, raising=False)
    state = {"fc.weight": torch.arange(28.0).reshape(4, 7) / 8, "fc.bias": torch.zeros(4)}
    torch.save({"state_dict": {f"module.{key}": value for key, value in state.items()}, "epoch": 3}, "state.pt")
    return state


@pytest.mark.parametrize("options", [["mine.nets:with_input"], ["mine.nets:Net", "--input-shape", "7"]])
def test_the_users_own_code(own_code, tmp_path, options, capsys):
    assert main(["compile", "--model", *options, "--weights", "state.pt", "--out", "net.npz", "--quiet"]) == 0
    network = snn2rtl.compile(tmp_path / "net.npz").network
    assert network.name == "nets"
    assert np.array_equal(np.argmax(own_code["fc.weight"].numpy().sum(1)), 3)
    spiking = np.ones((1, 1, 7), np.uint8)
    assert reference.run(network, spiking).counts.shape == (1, 4)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "model: must be a file, or --model MODULE:FUNCTION, and not both"),
        (["x.pt", "--model", "mine.nets:Net"], "model: must be a file, or --model MODULE:FUNCTION, and not both"),
        (["x.pt", "--weights", "y.pt"], "--weights: must be left out without --model; a state_dict goes with --arch"),
        (["--model", "mine.nets:Net"], "--model: needs --input-shape, such as 1,28,28, where mine.nets:Net gives no "),
        (["--model", "mine.nets"], "--model: must be package.module:function, not 'mine.nets'"),
        (["--model", "mine.nets:Other"], "--model: mine.nets:Other must run, not end in AttributeError: module "),
        (["--model", "nowhere:Net"], "--model: nowhere:Net must run, not end in ModuleNotFoundError: No module named"),
        (
            ["--model", "mine.nets:fails"],
            "--model: mine.nets:fails must run, not end in RuntimeError: operator torchvision::nms does not exist; it "
            "needs a torchvision built for this torch",
        ),
        (["--model", "mine.nets:dict"], "--model: mine.nets:dict must run, not end in AttributeError"),
        (
            ["--model", "collections:OrderedDict"],
            "--model: collections:OrderedDict must return a module, or a module and an input, not OrderedDict",
        ),
    ],
)  # fmt: skip
def test_own_code_that_cannot_be_used(own_code, capsys, arguments, sentence):
    assert main(["compile", *arguments, "--out", "net.npz", "--quiet"]) == 1
    assert capsys.readouterr().err.startswith(f"snn2rtl: error: {sentence}")


def test_weights_that_are_those_of_another_network(own_code):
    from snn2rtl.frontend.user_code import build

    torch.save({"fc.weight": torch.zeros(4, 6), "head.bias": torch.zeros(4)}, "wrong.pt")
    with pytest.raises(ModelFileError) as caught:
        build("mine.nets:Net", __import__("pathlib").Path("wrong.pt"))
    assert str(caught.value).splitlines() == [
        "wrong.pt: 'fc.weight' must have shape (4, 7), not (4, 6)",
        "wrong.pt: must have a tensor 'fc.bias', which is missing",
        "wrong.pt: must have no tensor 'head.bias', which the network lacks",
    ]
