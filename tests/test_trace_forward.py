"""Networks as people write their forward(): one step of what is traced computes what they compute."""

import torch
import torch.nn.functional as F
from run_steps import agrees, spikes
from spikingjelly.activation_based import functional, layer, neuron
from torch import nn

IN, HIDDEN, OUT, STEPS, SAMPLES = 6, 5, 3, 4, 2
SEQUENCE, IMAGES = spikes(STEPS, SAMPLES, IN), spikes(STEPS, SAMPLES, 2, 8, 8)


class Parts(nn.Module):
    """Layers in step mode "s" for the classes below, which differ in forward()."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.lif1 = nn.Linear(IN, HIDDEN), neuron.LIFNode(v_reset=None)
        self.fc2, self.fc3 = nn.Linear(HIDDEN, OUT), nn.Linear(HIDDEN, OUT)
        self.lif2 = neuron.IFNode()


class ImageParts(nn.Module):
    def __init__(self, mode: str = "s") -> None:
        super().__init__()
        self.conv1, self.bn1, self.lif1 = layer.Conv2d(2, 3, 3, padding=1), layer.BatchNorm2d(3), neuron.IFNode()
        self.conv2, self.lif2 = layer.Conv2d(3, 3, 3, padding="same", groups=3, dilation=2), neuron.LIFNode()
        self.fc = layer.Linear(48, OUT)
        functional.set_step_mode(self, mode)


def kinds(steps) -> list[str]:
    return [type(op.module).__name__ if op.module else op.kind for op in steps.operations]


def test_a_loop_that_sums_up():
    class Net(Parts):
        def forward(self, x):
            out = 0
            for t in range(x.shape[0]):
                out += self.lif2(self.fc2(self.lif1(self.fc1(x[t]))))
            return out / x.shape[0]

    steps = agrees(Net(), SEQUENCE)
    assert (steps.score, steps.time_steps) == ("sum", None)
    assert kinds(steps) == ["input", "Linear", "LIFNode", "Linear", "IFNode"]


def test_loops_that_begin_otherwise():
    class FromZeros(Parts):
        def forward(self, x):
            out = torch.zeros(x.size(1), HIDDEN)
            for x_t in x:
                out = out + self.lif1(self.fc1(x_t))
            return out

    class FromZerosLike(Parts):
        def forward(self, x):
            out = x.new_zeros(x.shape[1], HIDDEN)
            for t in range(len(x)):
                out = self.lif1(self.fc1(x.select(0, t))) + out
            return out

    class FromTheFirst(Parts):
        def forward(self, x):
            for t in range(x.shape[0]):
                y = self.lif1(self.fc1(x[t]))
                out = y if t == 0 else out + y  # noqa: F821
            return out.mul(0.25)

    class OfAList(Parts):
        def forward(self, x):
            return sum([self.lif1(self.fc1(x_t)) for x_t in x])

    for net in (FromZeros(), FromZerosLike(), FromTheFirst(), OfAList()):
        assert agrees(net, SEQUENCE).score == "sum"


def test_a_loop_that_stacks():
    class Stack(Parts):
        def forward(self, x):
            return torch.stack([self.lif1(self.fc1(x_t)) for x_t in x])

    class Cat(Parts):
        def forward(self, x):
            return torch.cat([self.lif1(self.fc1(x_t)).unsqueeze(0) for x_t in x], dim=0)

    class Mean(Parts):
        def forward(self, x):
            return self.fc2(torch.stack([self.lif1(self.fc1(x_t)) for x_t in x]).mean(0))

    assert agrees(Stack(), SEQUENCE).score == ""
    assert agrees(Cat(), SEQUENCE).score == ""
    assert agrees(Mean(), SEQUENCE).score == "sum"


def test_a_loop_that_returns_the_last_step():
    class Net(Parts):
        def forward(self, x):
            for t in range(x.shape[0]):
                out = self.lif1(self.fc1(x[t]))
            return out

    assert agrees(Net(), SEQUENCE).score == "last"


def test_the_same_input_in_every_step():
    class Loop(Parts):
        def forward(self, x):
            x = self.fc1(x)
            return sum(self.lif2(self.fc2(self.lif1(x))) for _ in range(5))

    class Repeat(ImageParts):
        def forward(self, x):
            return self.lif1(self.bn1(self.conv1(x.repeat(5, 1, 1, 1, 1)))).sum(dim=0)

    class Unsqueezed(ImageParts):
        def forward(self, x):
            return self.lif1(self.conv1(x.unsqueeze(0).repeat(5, 1, 1, 1, 1))).mean(0)

    class Expanded(ImageParts):
        def forward(self, x):
            return self.lif1(self.conv1(x[None].expand(5, -1, -1, -1, -1)))

    class Stacked(ImageParts):
        def forward(self, x):
            x = functional.seq_to_ann_forward(torch.stack([x] * 5), [self.bn])
            return self.lif1(x)

    for net in (Loop(), Repeat("m"), Unsqueezed("m"), Expanded("m")):
        x = SEQUENCE[0] if isinstance(net, Parts) else IMAGES[0]
        steps = agrees(net, x, layout="N")
        assert steps.time_steps == 5
        assert steps.operations[0].shape == tuple(x.shape[1:])
    stacked = Stacked("m")
    stacked.bn = nn.BatchNorm2d(2)
    assert agrees(stacked, IMAGES[0], layout="N").time_steps == 5


def test_one_step_in_each_call():
    class Net(Parts):
        def forward(self, x):
            return self.lif2(self.fc2(self.lif1(self.fc1(x.flatten(1)))))

    steps = agrees(Net(), SEQUENCE[0], SEQUENCE, layout="N")
    assert (steps.score, steps.time_steps) == ("", None)


def test_all_steps_in_one_call():
    class Merged(Parts):
        def forward(self, x):
            steps, samples = x.shape[:2]
            y = self.fc1(x.flatten(0, 1)).view(steps, samples, -1)
            y = functional.multi_step_forward(y, (self.lif1, self.fc2))
            return functional.seq_to_ann_forward(y, self.fc4).mean(dim=0)

    class Containers(nn.Module):
        def __init__(self):
            super().__init__()
            self.ann = layer.SeqToANNContainer(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.AvgPool2d(2))
            self.snn = layer.MultiStepContainer(neuron.IFNode(), nn.Flatten(), nn.Linear(27, 4), neuron.LIFNode())
            self.some = layer.StepModeContainer(True, "m", nn.Linear(4, 3), neuron.IFNode())
            self.other = layer.StepModeContainer(False, "m", nn.Linear(3, 3))

        def forward(self, x):
            return self.other(self.some(self.snn(self.ann(x))))

    merged = Merged()
    merged.fc4 = nn.Linear(OUT, 2)
    assert agrees(merged, SEQUENCE).score == "sum"
    assert kinds(agrees(Containers(), IMAGES)) == [
        "input", "Conv2d", "BatchNorm2d", "AvgPool2d", "IFNode", "reshape", "Linear", "LIFNode", "Linear", "IFNode",
        "Linear",
    ]  # fmt: skip


def test_the_batch_before_the_time():
    class Net(ImageParts):
        def forward(self, x):
            x = x.permute(1, 0, 2, 3, 4)
            return self.lif1(self.conv1(x)).flatten(2)

    class Loop(Parts):
        def forward(self, x):
            return torch.stack([self.lif1(self.fc1(x[:, t])) for t in range(x.shape[1])], dim=0).sum(0)

    assert agrees(Net("m"), IMAGES.transpose(0, 1), layout="NT").operations[0].shape == (2, 8, 8)
    assert agrees(Loop(), SEQUENCE.transpose(0, 1), layout="NT").score == "sum"


def test_forks_and_joins():
    class Net(ImageParts):
        def forward(self, x):
            x = self.lif1(self.bn1(self.conv1(x)))
            y = self.lif2(self.conv2(x))
            z = torch.cat((x + y, x * y, x * (1.0 - y)), dim=2)
            return F.avg_pool2d(F.max_pool2d(z.flatten(0, 1), 2), kernel_size=2, stride=1).unflatten(0, z.shape[:2])

    steps = agrees(Net("m"), IMAGES)
    assert [kind for kind in kinds(steps) if kind.islower()] == [
        "input", "add", "multiply", "complement", "multiply", "concatenate",
    ]  # fmt: skip
    assert steps.operations[steps.output].shape == (9, 3, 3)


def test_functions_in_place_of_layers():
    class Net(ImageParts):
        def forward(self, x):
            x = F.max_pool2d(self.lif1(self.conv1(x)), 3, 2, padding=1)
            x = F.dropout(x, 0.3, self.training)
            x = F.adaptive_avg_pool2d(x, (2, 2))
            return x.reshape(x.size(0), -1).contiguous()

    steps = agrees(Net().double(), IMAGES[0], IMAGES, layout="N")
    pool = next(op.module for op in steps.operations if isinstance(op.module, nn.MaxPool2d))
    assert (pool.kernel_size, pool.stride, pool.padding) == (3, 2, 1)


def test_mean_over_places():
    class Net(ImageParts):
        def forward(self, x):
            return self.lif1(self.conv1(x)).mean(dim=[-2, -1])

    class OverTimeToo(ImageParts):
        def forward(self, x):
            return self.lif1(self.conv1(x)).mean((0, 3, 4))

    assert agrees(Net("m"), IMAGES).operations[-1].shape == (3,)
    assert agrees(OverTimeToo("m"), IMAGES).score == "sum"


def test_nested_classes_and_branches_of_modules():
    class Block(nn.Module):
        def __init__(self, down):
            super().__init__()
            self.conv, self.lif = layer.Conv2d(2, 2, 3, padding=1, stride=2 if down else 1), neuron.IFNode()
            self.down = nn.Sequential(layer.Conv2d(2, 2, 1, stride=2), neuron.IFNode()) if down else None

        def forward(self, x):
            out = self.lif(self.conv(x))
            return out + (x if self.down is None else self.down(x))

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = nn.ModuleList([Block(False), Block(True)])
            self.head = nn.ModuleDict({"fc": nn.Sequential(layer.Flatten(), layer.Linear(32, 3))})
            functional.set_step_mode(self, "m")

        def forward(self, x, extra=None, *, scale=1):
            for block in self.blocks:
                x = block(x)
            if self.training:
                x = F.dropout(x)
            return self.head["fc"](x) if extra is None else x

    steps = agrees(Net(), IMAGES)
    assert [op.name for op in steps.operations if op.kind == "layer"] == [
        "blocks.0.conv", "blocks.0.lif", "blocks.1.conv", "blocks.1.lif", "blocks.1.down.0", "blocks.1.down.1",
        "head.fc.1",
    ]  # fmt: skip


def test_one_dimension():
    net = nn.Sequential(
        layer.Conv1d(2, 4, 3, stride=2, padding=1), layer.BatchNorm1d(4), neuron.IFNode(), layer.MaxPool1d(2),
        layer.AvgPool1d(2), layer.Flatten(), layer.Linear(8, 5), layer.BatchNorm1d(5), neuron.IFNode(),
    )  # fmt: skip
    functional.set_step_mode(net, "m")
    assert kinds(agrees(net, spikes(3, 2, 2, 16))).count("MaxPool1d") == 1


def test_norms_of_spiking_networks():
    net = nn.Sequential(
        layer.Conv2d(2, 3, 3), layer.ThresholdDependentBatchNorm2d(1.0, 1.0, 3), neuron.IFNode(),
        layer.SeqToANNContainer(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2)), neuron.IFNode(), layer.Flatten(),
        layer.Linear(32, 4), layer.ThresholdDependentBatchNorm1d(1.0, 1.0, 4), neuron.IFNode(),
    )  # fmt: skip
    functional.set_step_mode(net, "m")
    net.add_module("9", layer.VotingLayer(2, step_mode="m"))
    assert kinds(agrees(net, IMAGES))[-1] == "VotingLayer"


def test_recurrent_containers():
    cell = layer.LinearRecurrentContainer(neuron.LIFNode(), HIDDEN, HIDDEN, step_mode="m")
    other = layer.ElementWiseRecurrentContainer(neuron.IFNode(), torch.add, step_mode="m")
    net = nn.Sequential(layer.Linear(IN, HIDDEN), cell, layer.Linear(HIDDEN, 4), other)
    assert kinds(agrees(net, SEQUENCE))[2:] == [
        "LinearRecurrentContainer", "Linear", "ElementWiseRecurrentContainer",
    ]  # fmt: skip


def test_membranes_as_readout():
    for decode, score in (("max-mem", "max"), ("mean-mem", "sum"), ("last_mem", "last")):
        for node in (neuron.NonSpikingIFNode(decode), neuron.NonSpikingLIFNode(4.0, decode)):
            net = nn.Sequential(layer.Linear(IN, HIDDEN), neuron.IFNode(step_mode="m"), layer.Linear(HIDDEN, 3), node)
            assert agrees(net, SEQUENCE).score == score

    class Last(Parts):
        def __init__(self):
            super().__init__()
            self.out = neuron.NonSpikingLIFNode()

        def forward(self, x):
            return self.out(self.fc1(x))[-1]

    class Greatest(Last):
        def forward(self, x):
            return torch.stack(self.out(self.fc1(x))).max(0)[0]

    class GreatestToo(Last):
        def forward(self, x):
            return torch.stack(self.out(self.fc1(x))).max(dim=0).values

    assert agrees(Last(), SEQUENCE).score == "last"
    assert agrees(Greatest(), SEQUENCE).score == agrees(GreatestToo(), SEQUENCE).score == "max"


def test_reset_and_what_is_kept_for_a_look():
    class Net(Parts):
        def forward(self, x):
            functional.reset_net(self)
            self.seen = []
            self.last = self.fc1(x)
            for x_t in self.last:
                self.seen.append(self.lif1(x_t))
            self.steps = len(self.seen)
            return torch.stack(self.seen).mean(0)

    net = Net()
    assert agrees(net, SEQUENCE).score == "sum"


def test_layers_used_twice_in_a_step():
    class Net(Parts):
        def forward(self, x):
            x = self.fc1(x)
            return self.lif2(self.fc2(self.lif1(x)) + self.fc2(self.lif3(x)))

    net = Net()
    net.lif3 = neuron.IFNode()
    steps = agrees(net, SEQUENCE[0], SEQUENCE, layout="N")
    assert [op.name for op in steps.operations if op.kind == "layer"] == [
        "fc1", "lif1", "fc2", "lif3", "fc2_2", "lif2",
    ]  # fmt: skip


def test_wrapped_networks():
    net = nn.Sequential(nn.Linear(IN, 3), neuron.IFNode())
    assert [op.name for op in agrees(nn.DataParallel(net), SEQUENCE[0], SEQUENCE, layout="N").operations] == [
        "input", "0", "1",
    ]  # fmt: skip
