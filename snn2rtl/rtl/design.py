"""The whole hardware as a value; plan.py decides it. Templates see nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import assert_never

from snn2rtl.encoders import PIXEL_BITS, XORSHIFT_WORDS, Encoder
from snn2rtl.fixed_point import IntArray, unsigned_bits
from snn2rtl.rtl.blocks import AddressMap, Between, FirstOfStep, Fork, GroupSum, Merge
from snn2rtl.rtl.layer_design import LayerDesign
from snn2rtl.rtl.memory import Memory

Block = LayerDesign | Between


@dataclass(frozen=True, eq=False, kw_only=True)
class RtlDesign:
    """The whole hardware.

    blocks: of the top module, in order. encoder: of the pixels or values that enter; None where spikes do, and
    beat_pixels is 0.
    """

    label: str
    top: str
    digest: str
    output: str
    blocks: tuple[Block, ...]
    num_inputs: int
    num_classes: int
    count_width: int
    beat_pixels: int
    encoder: Encoder | None

    @property
    def placement(self) -> dict[str, IntArray]:
        """The neuron at each hardware index of each population, by its name in the network."""
        return {layer.name: layer.placement for layer in self.layers}

    @cached_property
    def layers(self) -> tuple[LayerDesign, ...]:
        """The populations, in order."""
        return tuple(block for block in self.blocks if isinstance(block, LayerDesign))

    @property
    def output_layer(self) -> LayerDesign:
        """The population that the class is read from."""
        return self.layers[-1]

    @property
    def block_memories(self) -> int:
        """About how many block memories everything takes."""
        return sum(block.block_memories for block in self.blocks)

    @property
    def in_addr_width(self) -> int:
        """Bits of an input address."""
        return unsigned_bits(self.num_inputs - 1)

    @property
    def in_data_width(self) -> int:
        """Bits of s_axis_tdata: pixels or values, or address and end of step, in whole bytes."""
        return _bytes(self.beat_pixels * PIXEL_BITS or self.in_addr_width + 1)

    @property
    def is_direct(self) -> bool:
        """Whether the first layer sums pixels once a sample."""
        return self.encoder is not None and self.encoder.kind == "direct"

    @property
    def takes_pixels(self) -> bool:
        """Whether the input stream carries pixels or values."""
        return self.encoder is not None

    @property
    def has_steps(self) -> bool:
        """Whether the input stream carries values of each step."""
        return self.encoder is not None and self.encoder.has_steps

    @property
    def encodes(self) -> bool:
        """Whether the hardware makes spikes of the pixels."""
        return self.encoder is not None and self.encoder.kind == "poisson"

    @property
    def enters(self) -> str:
        """What the input stream carries, in a word."""
        return "values" if self.has_steps else "pixels" if self.takes_pixels else "events"

    @property
    def group_width(self) -> int:
        """Bits of the number of a group of four pixels in a list of the encoder."""
        return unsigned_bits(self.num_inputs // XORSHIFT_WORDS)

    @property
    def step_width(self) -> int:
        """Bits of the encoder's time step."""
        return unsigned_bits(self.encoder.time_steps - 1) if self.encoder else 0

    @property
    def class_addr_width(self) -> int:
        """Bits of a class."""
        return unsigned_bits(self.num_classes - 1)

    @property
    def out_addr_width(self) -> int:
        """Bits of an output's address."""
        return self.output_layer.out_addr_width

    @property
    def counts_width(self) -> int:
        """Bits of all counts."""
        return self.num_classes * self.count_width

    @property
    def readout(self) -> str:
        """The module that makes the result of the last layer's stream."""
        return "snn_score_readout" if self.output_layer.scores else "snn_count_readout"

    @property
    def last_stream(self) -> str:
        """Name of the last layer's stream."""
        return self.output_layer.stream

    @property
    def is_grouped(self) -> bool:
        """Whether a class is a group of neurons that spike, which a map at the end of the blocks says."""
        return isinstance(self.blocks[-1], AddressMap)

    @property
    def result_stream(self) -> str:
        """Name of the stream that the readout takes: the last layer's, or one of classes."""
        last = self.blocks[-1]
        match last:
            case AddressMap():
                return last.output.name
            case GroupSum():
                return last.output
            case LayerDesign() | Fork() | Merge() | FirstOfStep():
                return self.last_stream
            case _:
                assert_never(last)

    @cached_property
    def class_width(self) -> int:
        """Bits of the class in m_axis_tdata: whole bytes, so that counts start at one."""
        return _bytes(self.class_addr_width)

    @property
    def out_data_width(self) -> int:
        """Bits of m_axis_tdata."""
        match self.output:
            case "class":
                return self.class_width
            case "counts":
                return _bytes(self.class_width + self.counts_width)
            case _:
                return _bytes(self.out_addr_width + 1)

    @property
    def num_beats(self) -> int:
        """Beats of a sample of pixels, or of a step of values."""
        return -(-self.num_inputs // self.beat_pixels)

    @property
    def input_meaning(self) -> str:
        """What s_axis_tdata carries, in words."""
        if self.takes_pixels:
            return f"the next {self.beat_pixels} {self.enters} of 8 bits, the first in the lowest bits"
        width = self.in_addr_width
        return f"bits {width - 1}:0 the address of an input that spikes; bit {width} set: the end of a time step"

    @property
    def last_meaning(self) -> str:
        """What s_axis_tlast says, in words."""
        return "the last beat of the sample" if self.takes_pixels else "with the end of a step: the end of the sample"

    @property
    def output_meaning(self) -> str:
        """What m_axis_tdata carries, in words."""
        match self.output:
            case "class":
                return "the class of the sample"
            case "counts":
                what = "signed scores" if self.output_layer.scores else "counts"
                return (
                    f"bits {self.class_width - 1}:0 the class, from bit {self.class_width} on "
                    f"{self.num_classes} {what} of {self.count_width} bits"
                )
            case _:
                width = self.out_addr_width
                address = f"bits {width - 1}:0 the address of an output that spikes"
                return f"{address}; bit {width} set: the end of a time step; m_axis_tlast closes the sample"

    @property
    def result_data(self) -> str:
        """Expression of m_axis_tdata for a class, with or without counts."""
        counts = "result_counts, " if self.output == "counts" else ""
        used = self.class_width + (self.counts_width if counts else 0)
        fill = _zeros(self.out_data_width - used)
        return f"{{{fill}{counts}{_zeros(self.class_width - self.class_addr_width)}result_class}}"

    @property
    def spikes_data(self) -> str:
        """Expression of m_axis_tdata for spikes."""
        fill = _zeros(self.out_data_width - self.out_addr_width - 1)
        stream = self.last_stream
        return f"{{{fill}{stream}_step_end, {stream}_step_end ? {self.out_addr_width}'d0 : {stream}_addr}}"

    @property
    def memories(self) -> tuple[Memory, ...]:
        """Every read-only memory."""
        return tuple(memory for block in self.blocks for memory in block.memories)


def _bytes(bits: int) -> int:
    return -(-bits // 8) * 8


def _zeros(width: int) -> str:
    return f"{width}'d0, " if width else ""
