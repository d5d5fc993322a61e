"""The counts behind the energy against loops over spikes and words; the constants at the points of their source."""

import json
from pathlib import Path

import numpy as np
import pytest
from networks import chain, dense, direct, lif, shared

from snn2rtl import cli
from snn2rtl.data.samples import Samples
from snn2rtl.encoders import Encoder
from snn2rtl.int_net import network_file, reference
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.neurons import AdaptiveLifNeuron, Integrator, MultiplierLeak, Score, ShiftLeak
from snn2rtl.measure import energy, metrics
from snn2rtl.options import PerLayer, RtlOptions
from snn2rtl.rtl.design import RtlDesign
from snn2rtl.rtl.plan import plan

STEPS, SAMPLES = 5, 3


def test_constants_are_those_of_the_source() -> None:
    assert energy.add_pj(8) == pytest.approx(0.03)
    assert energy.add_pj(32) == pytest.approx(0.1)
    assert energy.access_pj(64, 8 * 8192) == pytest.approx(10)
    assert energy.access_pj(64, 8 * 32768) == pytest.approx(20)
    assert energy.access_pj(64, 8 << 20) == pytest.approx(100, rel=0.15)


def build(layout: str) -> tuple[FixedPointNetwork, RtlDesign, np.ndarray]:
    rng = np.random.default_rng(3)
    weights = [rng.integers(-9, 10, shape) * (rng.random(shape) < 0.5) for shape in ((12, 20), (5, 12))]
    soft, hard = lif(rng.integers(5, 12, 12), reset_by=9, leak=ShiftLeak(2)), lif([5] * 5)
    network = chain(dense(weights[0], soft), dense(weights[1], hard))
    design = plan(network, RtlOptions(lanes=PerLayer(4), layout=PerLayer(layout)))
    return network, design, (rng.random((STEPS, SAMPLES, 20)) < 0.4).astype(np.uint8)


@pytest.mark.parametrize("layout", ["dense", "indexed", "ragged"])
def test_counts_are_those_of_the_loops(layout: str) -> None:
    network, design, spikes = build(layout)
    found = energy.estimate(network, design, metrics.observe(network, Samples(spikes, None, None)))
    hidden = reference.run(network, spikes).in_order[0].spikes[:, :, design.layers[0].placement]
    for layer, events, hardware, adders in zip(found, (spikes, hidden), design.layers, (3, 1), strict=True):
        words = adds = rows = 0
        for *_, row in np.argwhere(events):
            rows += 1
            reads = hardware.costs[layout].words[row]
            words += int(reads.sum())
            adds += sum(int(count) * (1 if layout == "ragged" else hardware.lanes) for count in reads)
        assert rows > 0
        updates = STEPS * SAMPLES * hardware.num_neurons
        bits = words * hardware.layout.word_width + rows * sum(table.width for table in hardware.layout.tables)
        bits += STEPS * SAMPLES * hardware.slots * sum(n.memory.width for n in hardware.each if n.memory)
        assert layer.weight_bits == pytest.approx(bits / SAMPLES)
        assert layer.membrane_bits == pytest.approx(2 * (adds + updates) * hardware.state_width / SAMPLES)
        assert layer.adds == pytest.approx((adds + adders * updates) / SAMPLES)  # threshold; soft reset and leak too
        assert layer.toggles is None
        assert layer.total_pj == layer.weights_pj + layer.membranes_pj + layer.adds_pj > 0


def test_silence_costs_the_updates_alone() -> None:
    network, design, spikes = build("dense")
    found = energy.estimate(network, design, metrics.observe(network, Samples(0 * spikes, None, None)))
    thresholds = design.layers[0].each[0].memory
    assert thresholds is not None
    assert [layer.weight_bits for layer in found] == [STEPS * thresholds.bits, 0]
    assert [layer.adds for layer in found] == [3 * 12 * STEPS, 5 * STEPS]


def test_a_multiplier_costs_more_than_a_shift() -> None:
    totals = []
    for leak in (ShiftLeak(2), MultiplierLeak(11, 4)):
        network = chain(dense(np.ones((3, 4), np.int64), lif([9] * 3, leak=leak)))
        activity = metrics.observe(network, Samples(np.ones((2, 1, 4), np.uint8), None, None))
        totals.append(energy.estimate(network, plan(network), activity)[0].adds_pj)
    assert totals[0] < totals[1]


@pytest.mark.parametrize("layout", ["dense", "indexed", "ragged"])
def test_temporal_layers_are_counted(layout: str) -> None:
    rng = np.random.default_rng(4)
    plain = lif(rng.integers(5, 12, 12), leak=MultiplierLeak(rng.integers(1, 8, 12), 3))
    neuron = AdaptiveLifNeuron(**shared(plain), adaptation_step=np.arange(12), adaptation_leak=ShiftLeak(2))
    recurrent, delay = rng.integers(-3, 4, (12, 12)) * (rng.random((12, 12)) < 0.3), rng.integers(0, 3, 20)
    integrator = Integrator(neurons=5, leak=ShiftLeak(3), membrane_bits=9, score=Score.SUM, score_bits=12)
    network = chain(
        dense(rng.integers(-9, 10, (12, 20)), neuron, recurrent=recurrent, delay=delay),
        dense(rng.integers(-9, 10, (5, 12)), integrator, bias=1),
    )
    design = plan(network, RtlOptions(lanes=PerLayer(4), layout=PerLayer(layout)))
    spikes = (rng.random((STEPS, SAMPLES, 20)) < 0.4).astype(np.uint8)
    first, last = energy.estimate(network, design, metrics.observe(network, Samples(spikes, None, None)))
    hardware = design.layers[0]
    fired = reference.run(network, spikes).in_order[0].spikes
    _, events = next(reference.arrivals(network, spikes, reference.run(network, spikes)))
    rows = np.concatenate([np.arange(20), 20 + hardware.placement])
    words = events[..., rows].sum(axis=(0, 1)) @ hardware.costs[layout].words.sum(axis=1)
    adds = int(words) * (1 if layout == "ragged" else 4)
    updates = STEPS * SAMPLES * 12
    bits = 2 * (adds + updates) * hardware.state_width + 2 * updates * hardware.neuron.second_width
    assert first.membrane_bits == pytest.approx(bits / SAMPLES)
    assert first.adds == pytest.approx((adds + 4 * updates) / SAMPLES)  # threshold, adapted, what a spike takes, leak
    fixed = STEPS * hardware.slots * sum(n.memory.width for n in hardware.each if n.memory)
    tables = sum(table.width for table in hardware.layout.tables) * int(events.sum())
    read = int(words) * hardware.layout.word_width + tables + 2 * int(spikes.sum())  # two bits of a delay
    assert first.weight_bits == pytest.approx(fixed + read / SAMPLES)
    hidden = fired[..., hardware.placement].sum(axis=(0, 1))
    adds = int(hidden @ design.layers[1].costs[layout].words.sum(axis=1)) * (1 if layout == "ragged" else 4)
    assert last.adds == pytest.approx(adds / SAMPLES + 3 * 5 * STEPS)  # leak, bias and score
    bits = 2 * (adds / SAMPLES + 5 * STEPS) * design.layers[1].state_width + 2 * 5 * STEPS * 12
    assert last.membrane_bits == pytest.approx(bits)


@pytest.mark.parametrize("layout", ["dense", "indexed", "ragged"])
def test_a_directly_coded_network_is_counted(layout: str) -> None:
    rng = np.random.default_rng(5)
    weights = [rng.integers(-9, 10, shape) * (rng.random(shape) < 0.5) for shape in ((12, 20), (5, 12))]
    first = dense(weights[0], lif(rng.integers(900, 2000, 12), leak=ShiftLeak(2)), bias=rng.integers(-9, 10, 12))
    network = direct(chain(first, dense(weights[1], 5)), STEPS)
    design = plan(network, RtlOptions(lanes=PerLayer(4), layout=PerLayer(layout)))
    pixels = rng.integers(0, 256, (SAMPLES, 20), np.uint8) * (rng.random((SAMPLES, 20)) < 0.4).astype(np.uint8)
    samples = Samples(pixels, None, network.encoder)
    layer, hidden = energy.estimate(network, design, metrics.observe(network, samples))
    hardware = design.layers[0]
    words = adds = rows = 0
    for sample in pixels:  # once a sample, not in every step
        for row in np.flatnonzero(sample):
            rows += 1
            reads = hardware.costs[layout].words[row]
            words += int(reads.sum())
            adds += sum(int(count) * (1 if layout == "ragged" else 4) for count in reads)
    assert rows > 0
    neurons = SAMPLES * 12
    bits = words * hardware.layout.word_width + rows * sum(table.width for table in hardware.layout.tables)
    for number in hardware.each:
        times = 1 if number.name == "bias" else STEPS
        bits += SAMPLES * times * hardware.slots * (number.memory.width if number.memory else 0)
    assert {"bias", "fire_at"} <= {number.name for number in hardware.each if number.memory}
    assert layer.weight_bits == pytest.approx(bits / SAMPLES)
    # sums; what is held, written once and read in every step; states
    moved = (2 * (adds + neurons) + (1 + STEPS) * neurons) * hardware.current_width
    moved += 2 * STEPS * neurons * hardware.state_width
    assert layer.membrane_bits == pytest.approx(moved / SAMPLES)
    assert layer.products == pytest.approx(adds / SAMPLES)
    assert layer.adds == pytest.approx((adds + 3 * STEPS * neurons) / SAMPLES)  # leak, current, threshold
    product = energy.MULTIPLY_8_BITS * 8 * hardware.weight_width / 64
    each = energy.add_pj(hardware.current_width) + product
    state_adds = 3 * STEPS * 12 * energy.add_pj(hardware.state_width)
    assert layer.adds_pj == pytest.approx(adds / SAMPLES * each + state_adds)
    assert hidden.products == 0
    assert hidden.weight_bits > 0


def test_black_pixels_cost_nothing_and_more_steps_cost_the_neurons_alone() -> None:
    def total(pixels: np.ndarray, steps: int) -> energy.LayerEnergy:
        network = direct(chain(dense([[3, -2], [1, 4]], 10_000)), steps)
        activity = metrics.observe(network, Samples(pixels, None, network.encoder))
        return energy.estimate(network, plan(network), activity)[0]

    black, white = np.zeros((1, 2), np.uint8), np.full((1, 2), 255, np.uint8)
    assert total(black, 4).products == 0
    assert total(black, 4).adds == 4 * 2 * 2
    assert total(white, 8).products == total(white, 4).products == 4
    assert total(white, 8).adds - total(white, 4).adds == 4 * 2 * 2


def test_what_is_left_out_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    encoder = Encoder(kind="poisson", time_steps=4, rate=200, noise="xorshift")
    for network, extra in (
        (direct(chain(dense([[3, -2]], 100)), 4), []),
        (chain(dense([[3, -2]], 1), encoder=encoder), ["encoder"]),
    ):
        network_file.save(network, tmp_path / "net.npz")
        np.savez(tmp_path / "x.npz", images=np.full((3, 2), 200, np.uint8))
        argv = ["measure", str(tmp_path / "net.npz"), "--data", str(tmp_path / "x.npz"), "--repeats", "0"]
        assert cli.main([*argv, "--json"]) == 0
        estimate = json.loads(capsys.readouterr().out)["energy_estimate"]
        assert estimate["left_out"] == ["clock", "wires", "queues", "idle cycles", "leakage", *extra]
        assert estimate["layers"][0]["total_pj"] > 0
        assert cli.main(argv) == 0
        shown = " ".join(capsys.readouterr().out.split())
        assert "energy of a sample in nJ, an estimate" in shown
        assert ("leakage and encoder;" if extra else "idle cycles and leakage;") in shown


def test_toggles_cost_what_was_assumed() -> None:
    network, design, spikes = build("dense")
    activity = metrics.observe(network, Samples(spikes, None, None))
    without = energy.estimate(network, design, activity)
    found = energy.estimate(network, design, activity, {"fc1": 1000.0, "fc2": 0.0})
    assert [layer.toggles for layer in found] == [1000, 0]
    assert found[0].total_pj == pytest.approx(without[0].total_pj + 1000 * energy.TOGGLE)
    assert found[1].total_pj == without[1].total_pj


def test_toggles_need_verilog(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network, _, spikes = build("dense")
    network_file.save(network, tmp_path / "net.npz")
    np.save(tmp_path / "x.npy", spikes)
    argv = ["measure", str(tmp_path / "net.npz"), "--data", str(tmp_path / "x.npy"), "--repeats", "0"]
    assert cli.main([*argv, "--toggles", "1"]) == 1
    assert "--toggles: must be used with an output folder, which has Verilog" in capsys.readouterr().err


def test_measure_shows_the_estimate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network, _, spikes = build("dense")
    network_file.save(network, tmp_path / "net.npz")
    np.save(tmp_path / "x.npy", spikes)
    argv = ["measure", str(tmp_path / "net.npz"), "--data", str(tmp_path / "x.npy"), "--repeats", "0"]
    assert cli.main(argv) == 0
    shown = capsys.readouterr().out
    assert "energy of a sample in nJ, an estimate" in shown
    assert "Horowitz" in shown
    assert cli.main([*argv, "--json"]) == 0
    layers = json.loads(capsys.readouterr().out)["energy_estimate"]["layers"]
    assert len(layers) == 2
    assert all(layer["total_pj"] > 0 for layer in layers)
