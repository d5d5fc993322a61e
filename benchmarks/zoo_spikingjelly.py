"""Networks that SpikingJelly ships, and such as others describe by layers; sizes that one can choose are small."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import torch
from spikingjelly.activation_based import ann2snn, functional, layer, neuron, surrogate
from torch import nn
from zoo_model import Model

_BASED = "spikingjelly.activation_based"
_ATAN = {"surrogate_function": surrogate.ATan()}
_UNUSED = {"torchvision", "gym", "tensorboardX", "torchaudio", "sklearn", "scipy", "lava"}
"""Packages that example scripts import for their data and games, and their networks do not use."""


class _Stub(ModuleType):
    """A package in which everything can be found and nothing works."""

    def __getattr__(self, name: str) -> Any:
        return MagicMock(name=f"{self.__name__}.{name}")


class _StubFinder(MetaPathFinder, Loader):
    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        return ModuleSpec(name, self, is_package=True) if name.partition(".")[0] in _UNUSED else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        stub = _Stub(spec.name)
        stub.__path__ = []
        return stub

    def exec_module(self, module: ModuleType) -> None:
        """Leave it empty."""


@contextmanager
def without_unused() -> Iterator[Callable[[str], Any]]:
    """Give a function that imports modules, to which all packages are there that they do not use."""

    def unused() -> dict[str, ModuleType]:
        return {name: module for name, module in sys.modules.items() if name.partition(".")[0] in _UNUSED}

    finder, kept = _StubFinder(), unused()
    for name in kept:
        del sys.modules[name]
    sys.meta_path.insert(0, finder)
    try:
        yield importlib.import_module
    finally:
        sys.meta_path.remove(finder)
        for name in unused():
            del sys.modules[name]
        sys.modules.update(kept)


def _module(path: str) -> Any:
    with without_unused() as import_module:
        return import_module(f"{_BASED}.{path}")


def _multi_step(net: nn.Module) -> nn.Module:
    functional.set_step_mode(net, "m")
    return net


def _class(path: str, name: str, *args: Any, multi_step: bool = True, **kwargs: Any) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        net: nn.Module = getattr(_module(path), name)(*args, **kwargs)
        return _multi_step(net) if multi_step else net

    return build


def _parametric(name: str) -> Callable[[], nn.Module]:
    """Return the maker of a network of Fang et al. 2021 with two channels."""
    return _class("model.parametric_lif_net", name, 2, neuron.ParametricLIFNode, **_ATAN)


def _function(path: str, name: str, **kwargs: Any) -> Callable[[], nn.Module]:
    return _class(path, name, spiking_neuron=neuron.IFNode, **_ATAN, **kwargs)


def _small_resnet(path: str, name: str, **kwargs: Any) -> Callable[[], nn.Module]:
    """Return the maker of a residual network with one block of each size."""

    def build() -> nn.Module:
        module = _module(path)
        net = getattr(module, name)(module.BasicBlock, [1] * 4, 10, spiking_neuron=neuron.IFNode, **_ATAN, **kwargs)
        return _multi_step(net)

    return build


def _small_vgg() -> nn.Module:
    """The class of spiking_vgg11 with fewer channels but in its last layer, which the classifier wants."""
    vgg = _module("model.spiking_vgg").SpikingVGG
    few = [4, "M", 4, "M", 8, 8, "M", 8, 8, "M", 8, 512, "M"]
    return _multi_step(vgg(few, num_classes=10, spiking_neuron=neuron.IFNode, **_ATAN))


def _converted() -> nn.Module:
    """SpikingJelly's conversion of its own sample network with average pools, scaled by random images."""
    recipes = importlib.import_module(f"{_BASED}.ann2snn.recipes")
    images = [(torch.rand(8, 1, 28, 28), torch.zeros(8))]
    recipe = recipes.RateCodingRecipe(dataloader=images, mode="Max")
    net: nn.Module = ann2snn.FXConverter(recipe=recipe, device="cpu").convert(
        _module("ann2snn.sample_models.mnist_cnn").CNN().eval()
    )
    return net


def tutorial_network(channels: int) -> nn.Module:
    """Return the network of SpikingJelly's tutorial on Fashion-MNIST, of four time steps."""
    net: nn.Module = _module("examples.conv_fashion_mnist").CSNN(T=4, channels=channels)
    return net


def _layers(*layers: nn.Module) -> Callable[[], nn.Module]:
    return lambda: _multi_step(nn.Sequential(*layers))


def _leaky() -> neuron.LIFNode:
    """The Leaky of snnTorch: input as it is, reset by the threshold at once; beta of 15/16."""
    return neuron.LIFNode(tau=16.0, decay_input=False, v_reset=None, **_ATAN)


_OWN = f"`{_BASED}."
_SHIPPED = (
    *(
        Model(f"{name}, 2 channels", f"{_OWN}model.parametric_lif_net`", _parametric(name), shape, batch=batch)
        for name, shape, batch in (
            ("MNISTNet", (1, 28, 28), 8),
            ("FashionMNISTNet", (1, 28, 28), 8),
            ("NMNISTNet", (2, 34, 34), 8),
            ("CIFAR10Net", (3, 32, 32), 8),
            ("CIFAR10DVSNet", (2, 128, 128), 2),
            ("DVSGestureNet", (2, 128, 128), 2),
        )
    ),
    Model("sew_resnet18, ADD", f"{_OWN}model.sew_resnet`",
          _function("model.sew_resnet", "sew_resnet18", cnf="ADD", num_classes=10), (3, 8, 8), batch=2, steps=2),
    *(
        Model(f"SEWResNet of 4 blocks, {gate}", f"{_OWN}model.sew_resnet`",
              _small_resnet("model.sew_resnet", "SEWResNet", cnf=gate), (3, 8, 8), batch=2, steps=2)
        for gate in ("ADD", "AND", "IAND")
    ),
    Model("spiking_resnet18", f"{_OWN}model.spiking_resnet`",
          _function("model.spiking_resnet", "spiking_resnet18", num_classes=10), (3, 8, 8), batch=2, steps=2),
    Model("spiking_vgg11", f"{_OWN}model.spiking_vgg`",
          _function("model.spiking_vgg", "spiking_vgg11", num_classes=10, init_weights=False), (3, 32, 32), batch=2),
    Model("SpikingVGG, few channels", f"{_OWN}model.spiking_vgg`", _small_vgg, (3, 32, 32), batch=2, steps=2),
    Model("ms_resnet18", f"{_OWN}model.ms_resnet`", _class("model.ms_resnet", "ms_resnet18"), (3, 32, 32), batch=2),
    Model("masnn_dvs128_gesture", f"{_OWN}model.masnn`", _class("model.masnn", "masnn_dvs128_gesture"),
          (2, 32, 32), batch=1, steps=60),
    Model("spikformer_cifar10", f"{_OWN}model.spikformer`", _class("model.spikformer", "spikformer_cifar10"),
          (3, 32, 32), batch=2),
    Model("qkformer_10_384", f"{_OWN}model.qkformer`", _class("model.qkformer", "qkformer_10_384"),
          (3, 32, 32), batch=2),
    Model("sdt_8_384", f"{_OWN}model.spike_driven_transformer`",
          _class("model.spike_driven_transformer", "sdt_8_384"), (3, 32, 32), batch=2),
)  # fmt: skip
_EXAMPLES = (
    Model("CSNN, T = 4, 2 channels", f"{_OWN}examples.conv_fashion_mnist`",
          lambda: tutorial_network(2), (1, 28, 28), takes_images=True),
    Model("SNN", f"{_OWN}examples.lif_fc_mnist`", _class("examples.lif_fc_mnist", "SNN", 2.0, multi_step=False),
          (1, 28, 28), by_step=True, steps=8),
    Model("PlainNet", f"{_OWN}examples.rsnn_sequential_fmnist`", _class("examples.rsnn_sequential_fmnist", "PlainNet"),
          (28,), steps=28),
    Model("FeedBackNet", f"{_OWN}examples.rsnn_sequential_fmnist`",
          _class("examples.rsnn_sequential_fmnist", "FeedBackNet"), (28,), steps=28, weight_bits=3),
    Model("StatefulSynapseNet", f"{_OWN}examples.rsnn_sequential_fmnist`",
          _class("examples.rsnn_sequential_fmnist", "StatefulSynapseNet"), (28,), steps=28),
    Model("MNISTNet of lava_mnist", f"{_OWN}examples.lava_mnist`", _class("examples.lava_mnist", "MNISTNet", 2),
          (1, 28, 28)),
    Model("CIFAR10DVSVGG", f"{_OWN}examples.memopt.models`",
          _class("examples.memopt.models", "CIFAR10DVSVGG", multi_step=False), (2, 48, 48),
          is_batch_first=True, batch=2),
    Model("DQSN", f"{_OWN}examples.spiking_dqn_state`",
          _class("examples.spiking_dqn_state", "DQSN", 4, 32, 2, multi_step=False), (4,), takes_images=True),
    Model("SpikingLSTM", f"{_OWN}examples.spiking_lstm_sequential_mnist`",
          _class("examples.spiking_lstm_sequential_mnist", "Net", multi_step=False), (28,), steps=28),
    Model("ResNet11", f"{_OWN}examples.cifar10_r11_enabling_spikebased_backpropagation`",
          _class("examples.cifar10_r11_enabling_spikebased_backpropagation", "ResNet11", multi_step=False), (3, 32, 32),
          by_step=True),
    Model("CNN converted by ann2snn", f"{_OWN}ann2snn`", _converted, (1, 28, 28), by_step=True),
)  # fmt: skip
_WRITTEN = (
    Model("12C5-AP2-64C5-AP2-10, 2 and 4 channels", "the layer list of Cerebron and others",
          _layers(layer.Conv2d(1, 2, 5), neuron.IFNode(**_ATAN), layer.AvgPool2d(2), layer.Conv2d(2, 4, 5),
                  neuron.IFNode(**_ATAN), layer.AvgPool2d(2), layer.Flatten(), layer.Linear(64, 10),
                  neuron.IFNode(**_ATAN)), (1, 28, 28)),
    Model("LeNet-5 of spikes", "LeNet-5's layer list",
          _layers(layer.Conv2d(1, 6, 5, padding=2), neuron.IFNode(**_ATAN), layer.AvgPool2d(2), layer.Conv2d(6, 16, 5),
                  neuron.IFNode(**_ATAN), layer.AvgPool2d(2), layer.Flatten(), layer.Linear(400, 120),
                  neuron.IFNode(**_ATAN), layer.Linear(120, 84), neuron.IFNode(**_ATAN), layer.Linear(84, 10),
                  neuron.IFNode(**_ATAN)), (1, 28, 28)),
    Model("12-38R-7", "the recurrent network of the NIR paper (Braille), its layer list",
          _layers(layer.Linear(12, 38), layer.LinearRecurrentContainer(_leaky(), 38, 38), layer.Linear(38, 7),
                  _leaky()), (12,), steps=6, weight_bits=3),
)  # fmt: skip
SPIKINGJELLY: tuple[Model, ...] = (*_SHIPPED, *_EXAMPLES, *_WRITTEN)
