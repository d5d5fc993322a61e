"""Files of networks that are graphs: what they keep, and which faults they refuse."""

import io
import json
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graphs import random_graph
from networks import lif

from snn2rtl.errors import ModelFileError
from snn2rtl.int_net.network import INPUT, FixedPointNetwork, MaxPool, Sum, SumPool
from snn2rtl.int_net.network_file import digest, load, save
from snn2rtl.int_net.population import Connection, Input, Population
from snn2rtl.int_net.synapses import Convolution, Dense
from snn2rtl.windows import Windows

WINDOWS = Windows(space=(5, 4), kernel=(2, 2), stride=(2, 2), padding=(0, 0), dilation=(1, 1), outputs=(3, 2))
KERNEL = Convolution(
    weight=np.arange(-16, 16).reshape(4, 2, 2, 2),
    input_shape=(4, 5, 4),
    stride=(2, 2),
    padding=(1, 0),
    dilation=(1, 2),
    groups=2,
)
CONV = Population(
    name="conv",
    shape=(4, 3, 1),
    inputs=(Connection(source=INPUT, synapses=KERNEL, delay=np.arange(80) % 3),),
    weight_bits=6,
    weight_shift=1,
    bias=np.arange(12),
    neuron=lif(np.arange(1, 13)),
)
OUT = Population(
    name="out",
    shape=(2,),
    inputs=(
        Connection(source="sum", synapses=Dense(np.arange(-24, 24).reshape(2, 24)), greatest=6),
        Connection(source="conv", synapses=Dense(np.ones((2, 12), int))),
        Connection(source="out", synapses=Dense(np.array([[0, -1], [1, 0]])), previous_step=True),
    ),
    weight_bits=6,
    weight_shift=0,
    bias=np.zeros(2, int),
    neuron=lif([3, 4]),
)
NODES = (
    CONV,
    MaxPool(name="max", source=INPUT, channels=4, windows=WINDOWS),
    SumPool(name="taken", source=INPUT, channels=4, windows=WINDOWS),
    Sum(name="sum", sources=("max", "taken", "max"), shape=(4, 3, 2)),
    OUT,
)
NETWORK = FixedPointNetwork(name="graph", input=Input(shape=(4, 5, 4)), nodes=NODES, count_bits=6, group=2)
# A change of format or of hashing must be on purpose: every manifest holds a digest.
DIGEST = "b04bc6fd1b81817f6b8290c76f88a530cb22929b9bf8dd7f3c73fada5551a27d"


def assert_same(a: Any, b: Any) -> None:
    """Compare everything that two values hold, arrays with their types."""
    assert type(a) is type(b)
    if isinstance(a, np.ndarray):
        assert a.dtype == b.dtype
        assert np.array_equal(a, b)
    elif is_dataclass(a):
        for field in fields(a):
            assert_same(getattr(a, field.name), getattr(b, field.name))
    elif isinstance(a, tuple):
        assert len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            assert_same(one, other)
    else:
        assert a == b


@pytest.mark.parametrize("number", range(60))
def test_graphs_go_round(number: int, tmp_path: Path) -> None:
    network = NETWORK if number == 0 else random_graph(np.random.default_rng((6, number)))
    save(network, tmp_path / "n.npz")
    loaded = load(tmp_path / "n.npz")
    assert_same(loaded, network)
    assert digest(loaded) == digest(network)
    save(loaded, tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "n.npz").read_bytes()


def test_the_digest_of_a_graph_is_stable() -> None:
    assert digest(NETWORK) == DIGEST


def with_node(index: int, **changes: Any) -> FixedPointNetwork:
    """Return NETWORK with another node."""
    nodes = list(NODES)
    nodes[index] = replace(nodes[index], **changes)
    return replace(NETWORK, nodes=tuple(nodes))


def with_kernel(**changes: Any) -> FixedPointNetwork:
    return with_node(0, inputs=(replace(CONV.inputs[0], synapses=replace(KERNEL, **changes)),))


def changed_networks() -> list[FixedPointNetwork]:
    first, second, back = OUT.inputs
    return [
        replace(NETWORK, group=1),
        replace(NETWORK, input=Input(shape=(4, 20))),
        replace(NETWORK, nodes=(NODES[1], CONV, *NODES[2:])),
        with_kernel(weight=KERNEL.weight[::-1]),
        with_kernel(stride=(2, 1), padding=(1, 0), dilation=(1, 3)),
        with_kernel(stride=(3, 2), padding=(2, 0)),
        with_node(0, shape=(4, 1, 3)),
        with_node(0, inputs=(replace(CONV.inputs[0], delay=None),)),
        with_node(1, windows=replace(WINDOWS, kernel=(2, 1))),
        with_node(1, windows=replace(WINDOWS, dilation=(2, 2))),
        with_node(2, source="max", windows=replace(WINDOWS, space=(3, 2), stride=(1, 1))),
        with_node(3, sources=("taken", "max", "max")),
        with_node(3, shape=(24,)),
        with_node(4, inputs=(second, first, back)),
        with_node(4, inputs=(first, second)),
        with_node(4, inputs=(first, replace(second, source="conv", delay=np.zeros(12, int)), back)),
    ]


def test_every_change_of_a_graph_changes_the_digest() -> None:
    digests = [digest(NETWORK), *map(digest, changed_networks())]
    assert len(set(digests)) == len(digests)


def edited(path: Path, change: Any, **arrays: Any) -> Path:
    """Write NETWORK with a header that a function has changed, and with other arrays."""
    buffer = io.BytesIO()
    save(NETWORK, buffer)
    buffer.seek(0)
    entries = dict(np.load(buffer))
    header = json.loads(entries.pop("header").tobytes())
    change(header)
    entries |= {"header": np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays}
    with path.open("wb") as file:
        np.savez(file, **{key: value for key, value in entries.items() if value is not None})
    return path


def setting(*keys: Any, to: Any) -> Any:
    """Return a change of a header: the value that the keys lead to."""
    *parents, last = keys

    def change(header: Any) -> None:
        for key in parents:
            header = header[key]
        header[last] = to

    return change


CONVOLUTION = ("nodes", 0, "inputs", 0, "synapses")
POOL = ("nodes", 1, "windows")
BAD = [
    (setting(*CONVOLUTION, "stride", to=[0, 1]), "invalid network: layer 'conv': stride must be at least 1, not 0"),
    (setting(*CONVOLUTION, "stride", to=[1]), "layer 'conv': window must have one number for each of 2 axes"),
    (setting(*CONVOLUTION, "stride", to=1), "must be a network.npz"),
    (setting(*CONVOLUTION, "groups", to=3), "layer 'conv': must take 4 channels, not 6"),
    (setting(*CONVOLUTION, "groups", to="2"), "must be a network.npz"),
    (setting(*CONVOLUTION, "kind", to="dense"), "must be a network.npz"),
    (setting(*CONVOLUTION, "input_shape", to=[-4, -5, 4]), "layer 'conv': must take -4 channels, not 4"),
    (setting(*CONVOLUTION, "input_shape", to=[4, 5, 4, 1]), "layer 'conv': weight must have shape"),
    (setting(*POOL, "outputs", to=[10**9, 1]), "layer 'max': windows must begin inside the input"),
    (setting(*POOL, "space", to=[-5, -4]), "layer 'max': space must be at least 1, not -5"),
    (setting(*POOL, "kernel", to=[2, 0]), "layer 'max': kernel must be at least 1, not 0"),
    (setting(*POOL, "kernel", to=None), "must be a network.npz"),
    (setting(*POOL, "more", to=1), "must be a network.npz"),
    (setting(*POOL, to=3), "must be a network.npz"),
    (setting("nodes", 1, "channels", to=-4), "layer 'max': must take 80 inputs, not -80"),
    (setting("nodes", 1, "kind", to="average"), "layer 'max': kind must be population, max_pool, sum_pool or sum, not"),
    (setting("nodes", 3, "sources", to=[]), "layer 'sum': must have sources and positive lengths"),
    (setting("nodes", 3, "sources", to="max"), "must be a network.npz|layer 'sum'"),
    (setting("nodes", 3, "shape", to=[-6, -4]), "layer 'sum': must have sources and positive lengths"),
    (setting("nodes", 4, "inputs", 2, "previous_step", to=False), "layer 'out': must read the input or a layer before"),
    (setting("nodes", 4, "inputs", 0, "previous_step", to=True), "layer 'out': must have at most one recurrent"),
    (setting("nodes", 4, "inputs", 0, "greatest", to=5), "layer 'out': input_max must be 6, not 5, as 'sum' has it"),
    (setting("nodes", 1, "name", to="taken"), "network: layer names must be unique"),
    (setting("nodes", 0, "name", to="<input>"), "network: no layer must be called '<input>'"),
    (setting("nodes", to={"a": 1}), "must be a network.npz"),
    (setting("nodes", 0, to=None), "must be a network.npz"),
    (setting("input", "shape", to=[-4, -20]), "input: shape must have positive lengths"),
    (setting("group", to=4), "network: group must divide 2 outputs, not be 4"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_bad_headers_of_graphs(tmp_path: Path, change: Any, message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        load(edited(tmp_path / "n.npz", change))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("node0_inputs0_synapses_weight", None, "must be a network.npz"),
        (
            "node0_inputs0_synapses_weight",
            np.ones((4, 2, 2, 2)),
            "layer 'conv': weight must hold integers, not float64",
        ),
        (
            "node0_inputs0_synapses_weight",
            np.full((4, 2, 2, 2), 99),
            "layer 'conv': weights must fit 6 bits, not reach 99",
        ),
        ("node0_inputs0_synapses_weight", np.ones((4, 2, 2), int), "layer 'conv': weight must have shape"),
        ("node0_inputs0_delay", np.zeros(3, int), "layer 'conv': delay must have shape (80,), not (3,)"),
        ("node0_inputs0_delay", np.full(80, 64), "layer 'conv': delays must be 0..63 steps, not reach 64"),
        ("node4_inputs2_synapses_weight", np.ones((2, 3), int), "layer 'out': recurrent must have shape (2, 2)"),
        ("node4_inputs1_synapses_weight", np.ones((2, 11), int), "layer 'out': must take 12 inputs, not 11"),
        ("node4_bias", np.zeros((2, 1), int), "layer 'out': bias must have shape (2,), not (2, 1)"),
    ],
)
def test_bad_arrays_of_graphs(tmp_path: Path, key: str, value: Any, message: str) -> None:
    with pytest.raises(ModelFileError) as caught:
        load(edited(tmp_path / "n.npz", lambda header: None, **{key: value}))
    assert message in str(caught.value)


def test_damaged_headers_are_refused_or_harmless(tmp_path: Path) -> None:
    """Every value of the header in turn is another: none, a number, a text, a list."""
    paths: list[tuple[Any, ...]] = []

    def collect(value: Any, path: tuple[Any, ...]) -> None:
        inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, part in inside:
            paths.append((*path, key))
            collect(part, (*path, key))

    edited(tmp_path / "n.npz", lambda header: collect(header, ()))
    refused = 0
    for number, path in enumerate(paths):
        for wrong in (None, -1, "x", [], {}) if number % 3 == 0 else ((-1, 2**70, "x", [], None)[number % 5],):
            try:
                load(edited(tmp_path / "n.npz", setting(*path, to=wrong)))
            except ModelFileError:
                refused += 1
    assert refused > len(paths)
