"""Random networks of a few neurons: hard reset in the first layer; soft reset and few weights in the second."""

from __future__ import annotations

from pathlib import Path

from rtl_tests.lib.seed import generator
from rtl_tests.lib.toys import direct
from snn2rtl.int_net.chain import DenseLayer, chain_of
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.neurons import Leak, LifNeuron, Reset, ShiftLeak
from snn2rtl.options import PerLayer, RtlOptions
from snn2rtl.rtl.design import RtlDesign
from snn2rtl.rtl.emit import write_rtl
from snn2rtl.rtl.plan import plan


def write_network(
    out: Path,
    sizes: tuple[int, int, int],
    *,
    lanes: int = 2,
    leak: Leak | None = None,
    output: str = "class",
    time_steps: int = 0,
) -> tuple[FixedPointNetwork, RtlDesign]:
    """Write the output folder of a network of two layers, directly coded with time_steps; ``leak`` is the second's."""
    random = generator(*sizes)
    layers = []
    for number, density in enumerate((1.0, 0.3)):
        inputs, neurons = sizes[number : number + 2]
        neuron = LifNeuron(
            fire_at=random.integers(1, 600, neurons),
            reset_by=random.integers(1, 300, neurons) * number,
            reset=Reset.SOFT if number else Reset.HARD,
            leak=leak if number and leak else ShiftLeak(2),
            membrane_bits=14,
        )
        layers.append(
            DenseLayer(
                name=f"fc{number + 1}",
                weight=random.integers(-128, 128, (neurons, inputs)) * (random.random((neurons, inputs)) < density),
                weight_bits=8,
                weight_shift=0,
                bias=random.integers(-9, 9, neurons),
                neuron=neuron,
            )
        )
    network = chain_of(name="toy", layers=tuple(layers), count_bits=8)
    layout = PerLayer("auto", {"fc1": "dense", "fc2": "ragged"})
    network = direct(network, time_steps) if time_steps else network
    design = plan(network, RtlOptions(lanes=PerLayer(lanes), layout=layout, output=output))
    write_rtl(network, design, out)
    return network, design
