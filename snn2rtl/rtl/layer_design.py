"""One layer of the hardware as a value: modules, memories, widths, names. Its template sees nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snn2rtl.fixed_point import IntArray, unsigned_bits
from snn2rtl.rtl import timing
from snn2rtl.rtl.layouts import Cost, Layout
from snn2rtl.rtl.memory import Memory, block_memories
from snn2rtl.rtl.neurons import SINGLE, NeuronModule, Scores


@dataclass(frozen=True, eq=False)
class StoredParameter:
    """A parameter of every neuron (threshold, bias) in hardware: a memory, or the same for every slot.

    constant: expression of the parameters of all lanes, where there is no memory.
    """

    name: str
    width: int
    constant: str
    memory: Memory | None


@dataclass(frozen=True, eq=False)
class Delays:
    """The delays of a layer's inputs, their width, and the address bits of the inputs that can wait for one step."""

    memory: Memory
    width: int
    place_width: int


@dataclass(frozen=True, eq=False, kw_only=True)
class LayerDesign:
    """One layer in hardware. placement[p] is the neuron at hardware index p = slot * lanes + lane.

    taps: slots of a lane that are sums of one neuron, behind each other, of which it takes the greatest; 1 where it has
    one. slots are those of sums.
    name is that of the population in the network, label what comments say of it.
    num_rows are the rows of its weights: those of its inputs and, in a recurrent layer, those of its own neurons.
    pixel_width: bits of the value that comes with an event, 0 where events are spikes. is_direct: whether the sum of a
    sample's events is held as the current of all its steps. steps: time steps that the layer makes of each end of its
    inputs, more than one only where sums are held. current_width: bits of a sum in a lane. back_value: what the layer's
    own spikes count where they come back to it beside values.
    """

    template: ClassVar[str] = "layer"
    name: str
    label: str
    stream: str
    source: str
    module: str
    lanes: int
    slots: int
    taps: int
    num_inputs: int
    num_rows: int
    in_addr_width: int
    out_addr_width: int
    placement: IntArray
    weight_width: int
    weight_shift: int
    state_width: int
    membrane_width: int
    current_width: int
    pixel_width: int
    is_direct: bool
    back_value: int
    steps: int
    neuron: NeuronModule
    each: tuple[StoredParameter, ...]
    scores: Scores | None
    delays: Delays | None
    layout: Layout
    costs: dict[str, Cost]
    entropy_bits: float
    forward: int

    @property
    def num_neurons(self) -> int:
        """Neurons that the hardware has; those that can never fire have none."""
        return len(self.placement)

    @property
    def is_recurrent(self) -> bool:
        """Whether the layer's own spikes come back to it."""
        return self.num_rows > self.num_inputs

    def layer_input(self, signal: str, port: str) -> str:
        """Return a signal of the inputs' events behind their delays, or a port of the layer where there are none."""
        return f"delayed_{signal}" if self.delays else f"event_{signal}_{port}"

    def fetched(self, signal: str, port: str) -> str:
        """Return a signal of the events whose rows are fetched."""
        return f"merged_{signal}" if self.is_recurrent else self.layer_input(signal, port)

    def slot_of(self, parameter: StoredParameter) -> str:
        """Return the signal that reads a parameter: neurons take a bias late, lanes take theirs at once."""
        if self.pools:
            return "fire_slot" if parameter.name == "bias" else "number_slot"
        return "bias_slot" if parameter.name == "bias" and not self.is_direct else "fire_slot"

    @property
    def pools(self) -> bool:
        """Whether a neuron takes the greatest of several sums."""
        return self.taps > 1

    @property
    def neuron_slots(self) -> int:
        """Slots of neurons."""
        return self.slots // self.taps

    @property
    def neuron_slot_width(self) -> int:
        """Bits of the number of a slot of neurons."""
        return unsigned_bits(self.neuron_slots - 1)

    @property
    def has_late_slots(self) -> bool:
        """Whether something takes the slot of an update late: a second state, or a held current."""
        return self.neuron.second_width > 0 or self.is_direct

    @property
    def row_addr_width(self) -> int:
        """Bits of a row's number."""
        return unsigned_bits(self.num_rows - 1)

    @property
    def fields(self) -> tuple[tuple[str, int], ...]:
        """What a beat of the layer's stream carries and its bits, highest first: an event, or a score."""
        if self.scores:
            return ("last", 1), ("score", self.scores.width)
        return ("sample_end", 1), ("step_end", 1), ("addr", self.out_addr_width)

    @property
    def beat_width(self) -> int:
        """Bits of a beat of the layer's stream."""
        return sum(width for _, width in self.fields)

    @property
    def monitored(self) -> str:
        """Expression of a beat inside the top module; at the end of a step the address means nothing."""
        stream = f"u_dut.{self.stream}"
        values = {name: f"{stream}_{name}" for name, _ in self.fields}
        if not self.scores:
            values["addr"] = f"{stream}_step_end ? {self.out_addr_width}'d0 : {stream}_addr"
        return f"{{{', '.join(values.values())}}}"

    @property
    def slot_width(self) -> int:
        """Bits of a slot number."""
        return unsigned_bits(self.slots - 1)

    @property
    def queue_depth_width(self) -> int:
        """Address bits of the spike queue, which holds the words of two time steps."""
        return max(2, unsigned_bits(2 * self.neuron_slots + self.late_words - 1))

    @property
    def late_words(self) -> int:
        """Words of spikes on their way to the queue when a neuron update looks for room: those of the one before."""
        return timing.SPIKE_DELAY + self.extra_stages if self.steps > 1 else 0

    @property
    def extra_stages(self) -> int:
        """Cycles of a neuron in the pipeline beyond those that snn_neuron_update has by itself."""
        stages = self.neuron.extra_stages + (timing.GREATEST_SUM if self.pools else 0)
        return stages + (timing.HELD_CURRENT if self.is_direct else 0)

    @property
    def is_single(self) -> bool:
        """Whether every lane has one neuron, whose state is a register."""
        return self.neuron.module == SINGLE

    @property
    def takes_values(self) -> bool:
        """Whether an event comes with a value that weights are multiplied by."""
        return self.pixel_width > 0

    @property
    def tag_width(self) -> int:
        """Bits that a row fetch carries along with a row."""
        return max(1, self.pixel_width)

    @property
    def last_slot_lanes(self) -> str:
        """Literal with a bit set for each lane that has a neuron in the last slot."""
        used = self.num_neurons - (self.neuron_slots - 1) * self.lanes
        return f"{self.lanes}'h{(1 << used) - 1:x}"

    @property
    def bank_addr_width(self) -> int:
        """Bits of an address within a bank of the weights."""
        return min(self.layout.word_addr_width, unsigned_bits(self.layout.weight_memories[0].bank_depth - 1))

    @property
    def word_delay(self) -> int:
        """Cycles from a word's address to what lanes add: the word, and its product with a value."""
        return self.entry_delay + (timing.PRODUCT if self.takes_values else 0)

    @property
    def entry_delay(self) -> int:
        """Cycles from a word's address to the word: memory, register, the choice of a bank, register."""
        return timing.entry_delay(self.num_banks)

    @property
    def num_banks(self) -> int:
        """Banks of a memory of weights."""
        return len(self.layout.weight_memories[0].banks)

    @property
    def num_fetches(self) -> int:
        """Row fetches that read weights independently of each other."""
        return len(self.layout.weight_memories)

    @property
    def words_per_row(self) -> IntArray:
        """Words that a spike of each input reads, shape (inputs,)."""
        return self.costs[self.layout.kind].words_per_row

    @property
    def memories(self) -> tuple[Memory, ...]:
        """The read-only memories of the layer."""
        each = tuple(parameter.memory for parameter in self.each if parameter.memory)
        delays = (self.delays.memory,) if self.delays else ()
        banks = (bank for memory in self.layout.weight_memories for bank in memory.banks)
        return (*banks, *self.layout.tables, *each, *delays)

    @property
    def bits_over_entropy(self) -> float:
        """Bits of the weights in their layout over the entropy bound; 1 where there is nothing to store."""
        return self.costs[self.layout.kind].bits / self.entropy_bits if self.entropy_bits else 1.0

    @property
    def rom_bits(self) -> int:
        """Bits of all read-only memories of the layer."""
        return sum(memory.bits for memory in self.memories)

    @property
    def state_bits(self) -> int:
        """Bits of the layer's memories of membranes and second states, and of sums and held currents beside them."""
        held = self.current_width if self.is_direct else 0
        sums = self.current_width if self.is_direct or self.pools else 0
        neurons = self.neuron_slots * (self.state_width + self.neuron.second_width + held)
        return self.lanes * (self.slots * sums + neurons)

    @property
    def block_memories(self) -> int:
        """About how many block memories the layer takes: its read-only memories, states and queues."""
        held = (self.current_width, self.state_width) if self.is_direct else ()
        sums = self.current_width if self.pools else self.state_width
        states = self.lanes * self.state_width if self.pools and not self.is_direct else 0
        every = self.lanes * (self.neuron.second_width + (self.scores.width if self.scores else 0))
        memories = [(self.neuron_slots, width) for width in held] * self.lanes
        memories += [] if self.is_single else [(self.slots, sums)] * self.lanes
        memories += [(self.neuron_slots, every), (self.neuron_slots, states)]
        if not self.scores:
            groups = 0 if self.lanes <= timing.QUEUE_GROUP else -(-self.lanes // timing.QUEUE_GROUP)
            memories.append((1 << self.queue_depth_width, self.slot_width + self.lanes + groups + 2))
        if self.delays:
            memories.append((1 << (self.delays.width + self.delays.place_width), self.in_addr_width))
        read_only = sum(memory.block_memories for memory in self.memories)
        return read_only + sum(block_memories(*size, written=True) for size in memories)
