"""Spikes and pixels on a stream: from arrays to the words that cross a port, and back.

A word of an event stream is {sample end, step end, address}; on the AXI4-Stream ports tlast is the sample end. Events
of a sample come step by step, those of a step in the order of their addresses. The input stream of a network that
takes pixels carries those, some in a beat.
"""

from __future__ import annotations

import numpy as np

from snn2rtl.encoders import PIXEL_BITS
from snn2rtl.errors import VerificationError
from snn2rtl.fixed_point import IntArray
from snn2rtl.int_net.reference import Inputs, Result, Spikes
from snn2rtl.rtl.design import RtlDesign
from snn2rtl.rtl.hextext import Bits, from_bits, to_bits


def event_words(spikes: Spikes, addr_width: int, data_width: int | None = None) -> Bits:
    """Return the words of an event stream.

    Args:
        spikes: shape (T, N, places).
        addr_width: bits of an address; the step's end is the bit above.
        data_width: bits below the sample's end, where they are padded (AXI4-Stream).
    """
    steps, samples, places = spikes.shape
    width = data_width or addr_width + 1
    rows = np.ones((samples, steps, places + 1), spikes.dtype)
    rows[:, :, :-1] = spikes.transpose(1, 0, 2)
    rows = rows.reshape(samples * steps, places + 1)
    row, addr = np.nonzero(rows)
    if spikes.max(initial=0) > 1:  # counts: an address comes so often
        row, addr = (np.repeat(index, rows[row, addr]) for index in (row, addr))
    step_end = addr == places
    sample_end = step_end & (row % steps == steps - 1)
    words = np.where(step_end, 1 << addr_width, addr) | sample_end.astype(np.int64) << width
    return to_bits(words, width + 1)


def read_events(words: Bits, placement: IntArray, *, neurons: int, steps: int, samples: int, what: str) -> Spikes:
    """Return the spikes of a recorded event stream, shape (T, N, neurons).

    Args:
        words: {sample end, step end, address}.
        placement: neuron at each address.
        neurons: neurons of the layer.
        steps: time steps of a sample.
        samples: samples of the batch.
        what: the stream's name, for errors.

    Raises:
        VerificationError: the stream has other steps or samples, a spike twice, or an address without a neuron.
    """
    values = from_bits(words)
    addr_width = words.shape[1] - 2
    step_end = (values >> addr_width & 1).astype(bool)
    sample_end = (values >> (addr_width + 1)).astype(bool)
    ends = np.flatnonzero(step_end)
    expected_ends = (np.arange(len(ends)) + 1) % steps == 0
    if len(ends) != steps * samples or not np.array_equal(sample_end[ends], expected_ends):
        raise VerificationError(
            f"{what}: must end {steps} steps in each of {samples} samples, not {len(ends)} steps "
            f"in {int(sample_end.sum())} samples"
        )
    if np.any(sample_end & ~step_end):
        raise VerificationError(f"{what}: must end a sample with its last step only, not with a spike")
    if not step_end[-1:].all():
        raise VerificationError(f"{what}: must end with the end of a step, not with a spike")
    row = np.cumsum(step_end)[~step_end]
    addr = values[~step_end] & ((1 << addr_width) - 1)
    if addr.size and addr.max() >= len(placement):
        raise VerificationError(f"{what}: address must be below {len(placement)}, not {int(addr.max())}")
    flat = np.zeros((steps * samples, neurons), np.uint8)
    flat[row, placement[addr]] = 1
    if int(flat.sum()) != len(addr):
        raise VerificationError(f"{what}: a neuron must spike once a step, not twice")
    return np.ascontiguousarray(flat.reshape(samples, steps, neurons).transpose(1, 0, 2))


def pixel_words(pixels: Inputs, beat_pixels: int) -> Bits:
    """Return the words {tlast, pixels} of samples; a beat's first pixel is in its lowest bits.

    Args:
        pixels: shape (N, inputs), or values of each step, shape (T, N, inputs), which begin with a beat of their own.
        beat_pixels: how many are in a beat.
    """
    steps, samples, inputs = pixels.shape if pixels.ndim == 3 else (1, *pixels.shape)
    beats = -(-inputs // beat_pixels)
    padded = np.zeros((samples, steps, beats * beat_pixels), np.uint8)
    padded[:, :, :inputs] = pixels.reshape(steps, samples, inputs).transpose(1, 0, 2)
    words = padded.reshape(samples, steps * beats, beat_pixels)[:, :, ::-1]
    bits = np.zeros((samples, steps * beats, 1 + beat_pixels * PIXEL_BITS), np.uint8)
    bits[:, -1:, 0] = 1
    bits[:, :, 1:] = np.unpackbits(words, axis=2)
    return bits.reshape(samples * steps * beats, -1)


def input_words(design: RtlDesign, inputs: Inputs) -> Bits:
    """Return the words {tlast, tdata} of s_axis."""
    if design.takes_pixels:
        return pixel_words(inputs, design.beat_pixels)
    return event_words(inputs, design.in_addr_width, design.in_data_width)


def layer_words(design: RtlDesign, result: Result) -> dict[str, Bits]:
    """Return the words of every layer's stream, events or scores, by the stream's name."""
    found = {}
    for layer in design.layers:
        if layer.scores:
            assert result.scores is not None
            found[layer.stream] = score_words(result.scores, layer.scores.width)
        else:
            spikes = result.traces[layer.name].spikes[:, :, layer.placement]
            found[layer.stream] = event_words(spikes, layer.out_addr_width)
    return found


def score_words(scores: IntArray, width: int) -> Bits:
    """Return the words {last, score} of a score stream; scores have shape (N, neurons)."""
    last = np.zeros((*scores.shape, 1), np.uint8)
    last[:, -1] = 1
    return np.concatenate([last.reshape(-1, 1), to_bits(scores.reshape(-1), width)], axis=1)


def read_scores(words: Bits, *, neurons: int, samples: int, what: str) -> IntArray:
    """Return the scores of a recorded score stream, shape (N, neurons).

    Raises:
        VerificationError: the stream has other neurons or samples.
    """
    last = words[:, 0].astype(bool)
    if len(words) != neurons * samples or not np.array_equal(last, np.arange(1, len(words) + 1) % neurons == 0):
        raise VerificationError(
            f"{what}: must give {neurons} scores in each of {samples} samples, not {len(words)} in {int(last.sum())}"
        )
    values = from_bits(words[:, 1:])
    sign = 1 << words.shape[1] - 2
    scores: IntArray = ((values ^ sign) - sign).reshape(samples, neurons)
    return scores


def output_words(design: RtlDesign, result: Result) -> Bits:
    """Return the words {tlast, tdata} of m_axis."""
    if design.output == "spikes":
        return event_words(result.traces[design.layers[-1].name].spikes, design.out_addr_width, design.out_data_width)
    samples = len(result.classes)
    bits = np.zeros((samples, design.out_data_width + 1), np.uint8)
    bits[:, 0] = 1
    bits[:, -design.class_width :] = to_bits(result.classes, design.class_width)
    if design.output == "counts":
        counts = to_bits(result.counts[:, ::-1].reshape(-1), design.count_width).reshape(samples, -1)
        bits[:, -design.class_width - design.counts_width : -design.class_width] = counts
    return bits


def read_classes(design: RtlDesign, words: Bits) -> IntArray | None:
    """Return the classes of recorded words of m_axis, shape (N,); None where the output is spikes."""
    return None if design.output == "spikes" else from_bits(words[:, -design.class_width :])
