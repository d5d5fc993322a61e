"""Lanes and layouts that are chosen for cycles and block memories."""

import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from networks import chain, dense, direct_hardware, networks, random_pixels, random_spikes

from snn2rtl import cli
from snn2rtl.encoders import Encoder
from snn2rtl.errors import OptionError
from snn2rtl.fixed_point import unsigned_bits
from snn2rtl.int_net import network_file, reference
from snn2rtl.int_net.chain import layers_of
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.options import PerLayer, RtlOptions, Targets
from snn2rtl.rtl.blocks import FirstOfStep, Stream
from snn2rtl.rtl.estimate import cycles
from snn2rtl.rtl.layouts import LAYOUTS
from snn2rtl.rtl.memory import Memory, block_memories
from snn2rtl.rtl.placement import place
from snn2rtl.rtl.plan import plan
from snn2rtl.rtl.targets import reach, recorded, worst_case

STEPS = 5


def big(density: float = 1.0, sizes: tuple[int, ...] = (100, 60, 10), steps: int = STEPS) -> FixedPointNetwork:
    """Return a network of random weights with an encoder."""
    rng = np.random.default_rng(1)
    layers = []
    for inputs, neurons in pairwise(sizes):
        weight = rng.integers(-9, 10, (neurons, inputs)) * (rng.random((neurons, inputs)) < density)
        layers.append(dense(weight, 9))
    return chain(*layers, encoder=Encoder(kind="poisson", time_steps=steps))


def lanes_of(design):
    return [layer.lanes for layer in design.layers]


def slowest(network, lanes, inputs, layout="auto"):
    """Return the estimate of explore, of a design that is planned without targets."""
    names = [layer.name for layer in layers_of(network)]
    options = RtlOptions(lanes=PerLayer(0, dict(zip(names, lanes, strict=True))), layout=PerLayer(layout))
    design = plan(network, options, place(network, options, recorded(network, inputs).firing))
    return cycles(network, design, inputs, reference.run(network, inputs)).mean()


@settings(max_examples=40)
@given(networks(), st.integers(0, 2), st.floats(0, 1), st.integers(0, 99))
def test_the_fewest_lanes_reach_the_cycles(network, steps, share, seed):
    """Ours is what explore estimates; one step fewer of any layer is too slow, and no target below the least is met."""
    if steps:
        network = direct_hardware(network, steps)
        inputs = random_pixels(network.num_inputs, 4, seed)
    else:
        inputs = random_spikes(network, 6, 4, seed)
    load = recorded(network, inputs)
    all_lanes = [layer.lanes for layer in plan(network, RtlOptions(lanes=PerLayer(1024))).layers]
    fast, slow = slowest(network, all_lanes, inputs), slowest(network, [1] * len(all_lanes), inputs)
    target = int(np.ceil(fast + share * (slow - fast)))
    assume(target > 0)
    design, reached = reach(network, RtlOptions(), Targets(cycles=target), load)
    lanes = lanes_of(design)
    assert reached.cycles == slowest(network, lanes, inputs) <= target
    assert reached.block_memories == sum(layer.block_memories for layer in design.layers)
    for index, count in enumerate(lanes):
        assert count in (1, 2, 4, 8, all_lanes[index])
        if count > 1:
            fewer = [*lanes[:index], 1 << (count - 1).bit_length() - 1, *lanes[index + 1 :]]
            assert slowest(network, fewer, inputs) > target
    if share == 0 and target > 1:
        with pytest.raises(OptionError, match="--target-cycles: must be at least"):
            reach(network, RtlOptions(), Targets(cycles=target - 1), load)


def test_without_calibration_no_sample_takes_longer():
    network = big()
    for target in (600, 1000, 5000):
        design, reached = reach(network, RtlOptions(), Targets(cycles=target))
        white = np.ones((STEPS, 1, 100), np.uint8)
        assert cycles(network, design, white, reference.run(network, white)).max() <= reached.cycles <= target
        assert reached.cycles_of == "the most that any sample can take"
    assert reached.cycles > 2500  # 5 steps of 100 spikes and 60 neurons in one lane or two


def test_cycles_need_to_know_how_long_a_sample_is():
    with pytest.raises(OptionError, match="--target-cycles: needs --calibration where the network has no encoder"):
        reach(replace(big(), encoder=None), RtlOptions(), Targets(cycles=1000))
    reach(replace(big(), encoder=None), RtlOptions(), Targets(bram=1000))


def test_lanes_that_were_asked_for_stay():
    network = big()
    assert lanes_of(reach(network, RtlOptions(), Targets(cycles=2000))[0]) == [32, 2]
    options = RtlOptions(lanes=PerLayer(0, {"fc1": 64}))
    assert lanes_of(reach(network, options, Targets(cycles=2000))[0]) == [60, 2]
    # 60 neurons in 5 lanes: 12 slots for each of 100 spikes and once a step, which ends with 4 cycles
    least = STEPS * (100 * 12 + 12 + 4)
    message = (
        f"--target-cycles: must be at least {least}, which --lanes fc1=5,fc2=10 takes, not 2000; prune the network"
    )
    with pytest.raises(OptionError, match=re.escape(message)):
        reach(network, RtlOptions(lanes=PerLayer(0, {"fc1": 5})), Targets(cycles=2000))


def blocks_of(network, layouts):
    names = [layer.name for layer in layers_of(network)]
    design = plan(network, RtlOptions(layout=PerLayer("auto", dict(zip(names, layouts, strict=True)))))
    return sum(layer.block_memories for layer in design.layers)


@pytest.mark.parametrize("density", [1.0, 0.6, 0.3, 0.05])
def test_layouts_fit_the_block_memories(density):
    """All combinations are tried here: the least of them is reached, one less is refused, and lanes stay."""
    network = big(density, (300, 200, 50))
    every = {(a, b): blocks_of(network, (a, b)) for a in LAYOUTS for b in LAYOUTS}
    least = min(every.values())
    for target in {least, max(every.values())}:
        design, reached = reach(network, RtlOptions(), Targets(bram=target))
        kinds = tuple(layer.layout.kind for layer in design.layers)
        assert every[kinds] == reached.block_memories <= target
        assert lanes_of(design) == [16, 16]
    with pytest.raises(
        OptionError, match=rf"--target-bram: must be at least {least}, .* not {least - 1}; choose other"
    ):
        reach(network, RtlOptions(), Targets(bram=least - 1))


def test_where_the_cheapest_layouts_fit_they_stay():
    network = big(0.3, (300, 200, 50))
    design, reached = reach(network, RtlOptions(), Targets(bram=10_000))
    plain = plan(network)
    assert [layer.layout.kind for layer in design.layers] == [layer.layout.kind for layer in plain.layers]
    assert reached.cycles is None


def test_a_layout_that_was_asked_for_stays():
    network = big(0.05, (300, 200, 50))
    options = RtlOptions(layout=PerLayer("auto", {"fc1": "dense"}))
    blocks = min(blocks_of(network, ("dense", kind)) for kind in LAYOUTS)
    design, _ = reach(network, options, Targets(bram=blocks))
    assert design.layers[0].layout.kind == "dense"
    assert blocks > min(blocks_of(network, (a, b)) for a in LAYOUTS for b in LAYOUTS)
    with pytest.raises(OptionError, match=f"must be at least {blocks}, "):
        reach(network, options, Targets(bram=blocks - 1))


def test_both_targets():
    """Fewer block memories than the cycles alone would take, by more lanes or other layouts, or a refusal that says."""
    network = big(0.2, (300, 200, 50))
    _, fast = reach(network, RtlOptions(), Targets(cycles=1800))
    _, small = reach(network, RtlOptions(), Targets(cycles=1800, bram=fast.block_memories - 1))
    assert small.cycles <= 1800
    assert small.block_memories < fast.block_memories
    message = (
        r"--target-bram: must be at least (\d+) within 1800 cycles a sample, which the smallest layouts take, not 1"
    )
    with pytest.raises(OptionError, match=message) as caught:
        reach(network, RtlOptions(), Targets(cycles=1800, bram=1))
    least = int(re.search(message, str(caught.value))[1])
    assert reach(network, RtlOptions(), Targets(cycles=1800, bram=least))[1].block_memories <= least
    with pytest.raises(OptionError, match=f"must be at least {least} within 1800 cycles"):
        reach(network, RtlOptions(), Targets(cycles=1800, bram=least - 1))


def test_options_of_layers_that_do_not_exist():
    with pytest.raises(OptionError, match="--lanes: layers must be among fc1, fc2, not fc9"):
        reach(big(), RtlOptions(lanes=PerLayer(0, {"fc9": 4})), Targets(bram=100))
    with pytest.raises(OptionError, match="--layout: must be auto, dense, indexed, ragged, not sparse"):
        reach(big(), RtlOptions(layout=PerLayer("sparse")), Targets(bram=100))


@pytest.mark.parametrize(
    ("depth", "width", "blocks"),
    [
        (512, 36, 1), (512, 37, 2), (1024, 18, 1), (1025, 18, 2), (16384, 1, 1), (2 * 16384, 3, 6),
        (20, 336, 0), (114, 19, 1), (16, 100, 0),  # as Yosys does with numbers of neurons
        (1, 0, 0),
    ],
)  # fmt: skip
def test_block_memories(depth, width, blocks):
    assert block_memories(depth, width) == blocks


@pytest.mark.parametrize(
    ("depth", "width", "blocks"),
    [(64, 32, 1), (64, 29, 1), (64, 28, 0), (64, 64, 2), (32, 64, 0), (128, 16, 1), (20, 336, 0), (1024, 32, 2)],
)
def test_block_memories_that_are_written(depth, width, blocks):
    """Yosys finds LUTs that are written no cheaper at the same size, and takes them for four bits at a time."""
    assert block_memories(depth, width, written=True) == blocks


@pytest.mark.parametrize(("windows", "blocks"), [(1, 0), (1024, 0), (1025, 2), (4096, 2), (16384, 2), (16385, 4)])
def test_block_memories_of_a_max_pool(windows, blocks):
    """As many as Yosys takes: rtl_tests/netlist/test_block_memories.py."""
    stream = Stream("windows", unsigned_bits(windows - 1))
    assert FirstOfStep(stream, stream, windows).block_memories == blocks


def test_block_memories_of_banks_add_up():
    memory = Memory("m", np.zeros((3839, 1), np.int64), 10)
    assert memory.block_memories == sum(bank.block_memories for bank in memory.banks) == 3


def compiled(tmp_path: Path, *options: str) -> tuple[int, Path]:
    model, out = tmp_path / "net.npz", tmp_path / "rtl"
    network_file.save(big(), model)
    return cli.main(["compile", str(model), "--out", str(out), "--quiet", *options]), out


def test_the_report_says_which_target_chose(tmp_path, capsys):
    options = ["--target-cycles", "2000", "--target-bram", "99", "--explain"]
    code, out = compiled(tmp_path, *options)
    assert code == 0
    printed = capsys.readouterr().out
    assert "--target-cycles 2000 and --target-bram 99 chose lanes and layouts: about 1" in printed
    assert "(the most that any sample can take)" in printed
    assert "--target-bram" in printed.partition("chosen: asked for, or ")[2]
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["options"]["lanes"] == [16, 2]
    assert (manifest["targets"]["target_cycles"], manifest["targets"]["target_bram"]) == (2000, 99)
    assert manifest["targets"]["cycles"] <= 2000


def test_a_target_out_of_reach_is_one_sentence_and_no_folder(tmp_path, capsys):
    code, out = compiled(tmp_path, "--target-cycles", "1")
    assert code == 1
    assert not out.exists()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("snn2rtl: error: --target-cycles: must be at least 5")
    assert line.endswith("give --calibration, without which every input spikes in every step")


@pytest.mark.parametrize("option", ["--target-cycles", "--target-bram"])
@pytest.mark.parametrize("value", ["0", "-3", "1.5", "many"])
def test_a_target_is_a_positive_number(tmp_path, capsys, option, value):
    with pytest.raises(SystemExit) as caught:
        compiled(tmp_path, option, value)
    assert caught.value.code == 2
    assert f"argument {option}: must be an integer of 1..4294967295, not '{value}'" in capsys.readouterr().err


def test_an_integer_network_alone_has_no_targets(tmp_path, capsys):
    code, _ = compiled(tmp_path, "--target-bram", "9", "--out", str(tmp_path / "x.npz"))
    assert code == 1
    assert "holds no hardware, which lanes, layout, output and targets describe" in capsys.readouterr().err


def test_an_encoder_in_hardware_is_a_part_of_the_cycles():
    """Many pixels that hardly ever spike: their list takes the encoder longer than their spikes take the layer."""
    encoder = Encoder(kind="poisson", time_steps=8, rate=1, noise="xorshift")
    network = replace(big(sizes=(200, 6, 4)), encoder=encoder)
    load = recorded(network, np.full((5, 200), 40, np.uint8))
    assert load.encoder.tolist() == [8 * 51] * 5
    with pytest.raises(OptionError, match="--target-cycles: must be at least 408, which"):
        reach(network, RtlOptions(), Targets(cycles=407), load)
    assert reach(network, RtlOptions(), Targets(cycles=408), load)[1].cycles == 408
    assert worst_case(network).encoder.tolist() == [8 * 201]
