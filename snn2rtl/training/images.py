"""Images as the network takes them: batches, shifted and turned in training, as spikes or pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from snn2rtl.data.samples import Samples
from snn2rtl.encoders import MAX_PIXEL, RATE_BITS, Encoder
from snn2rtl.training.image_task import ImageConfig
from snn2rtl.training.task import Batch

SIDE = 28
DEGREES_PER_PIXEL = 5


@dataclass(frozen=True)
class ImageDataset:
    """Images of shape (N, 784), uint8, and their labels of shape (N,), int64, on one device.

    soft_labels: a teacher's probabilities of the classes, shape (N, classes), where there is one.
    """

    images: Tensor
    labels: Tensor
    soft_labels: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: slice | Tensor) -> ImageDataset:
        soft_labels = None if self.soft_labels is None else self.soft_labels[index]
        return ImageDataset(self.images[index], self.labels[index], soft_labels)

    def training_batch(self, config: ImageConfig) -> Batch:
        """Return these images for training, shifted and turned at random, as random spikes or pixels."""
        steps = config.train_time_steps or config.time_steps
        return training_inputs(augment(self.images, config.augment), config.sample_encoder(), steps)

    def evaluation_batch(self, config: ImageConfig, first: int, steps: int = 0) -> Batch:
        """Return what the golden model and the hardware get (encoder seed 0) for images first, first + 1, ..."""
        encoder = config.sample_encoder()
        return evaluation_inputs(self.images, replace(encoder, time_steps=steps or encoder.time_steps), first)

    def samples(self, encoder: Encoder | None) -> Samples:
        """Return the images as metrics and the golden model take them."""
        return Samples(self.images.cpu().numpy(), self.labels.cpu().numpy(), encoder)

    def rates(self) -> Tensor:
        """Return the mean of each pixel, 1 for white, shape (784,)."""
        mean: Tensor = self.images.float().mean(0) / MAX_PIXEL
        return mean


def training_inputs(images: Tensor, encoder: Encoder, steps: int) -> Batch:
    """Return a batch for training: pixels, or random spikes; inputs that no image of the batch uses are left out."""
    columns = torch.nonzero(images.any(0)).flatten()
    used = images.index_select(1, columns)  # several times faster than images[:, columns]
    if encoder.kind == "direct":
        return Batch(used.float(), columns, steps)
    return Batch(poisson_spikes(used, encoder, steps), columns, steps)


def evaluation_inputs(images: Tensor, encoder: Encoder, first: int = 0) -> Batch:
    """Return the inputs that the golden model and the hardware get (encoder seed 0) for images first, first + 1, ..."""
    if encoder.kind == "direct":
        return Batch(images.float(), None, encoder.time_steps)
    spikes = torch.from_numpy(encoder.encode(images.cpu().numpy(), first=first))
    return Batch(spikes.to(images.device).float(), None, encoder.time_steps)


def poisson_spikes(pixels: Tensor, encoder: Encoder, steps: int) -> Tensor:
    """Return random spikes (T, N, inputs) of pixels (N, inputs), with the encoder's exact probabilities.

    A spike is ``noise < pixel * rate`` with 16-bit noise; both sides are less 2**15, for words with a sign.
    One random number of 64 bits serves four inputs: several times faster than comparing uniform floats.
    """
    bound = (pixels.int() * encoder.rate - 2 ** (RATE_BITS - 1)).to(torch.int16)
    size = steps * pixels.numel()
    words = torch.empty(-(-size // 4), dtype=torch.int64, device=pixels.device).random_(-(2**63), None)
    noise = words.view(torch.int16)[:size].view(steps, *pixels.shape)
    spikes: Tensor = noise < bound
    return spikes.float()


def augment(images: Tensor, pixels: float) -> Tensor:
    """Return the images, each shifted by up to so many pixels and turned by up to 5 degrees a pixel, at random."""
    if not pixels:
        return images
    n = len(images)
    shift, angle = torch.rand(2, n, 2, device=images.device) * 2 - 1
    shift, turn = shift * (2 * pixels / SIDE), angle[:, 0] * math.radians(DEGREES_PER_PIXEL * pixels)
    cosine, sine = torch.cos(turn), torch.sin(turn)
    rows = torch.stack([torch.stack([cosine, -sine, shift[:, 0]], 1), torch.stack([sine, cosine, shift[:, 1]], 1)], 1)
    grid = functional.affine_grid(rows, [n, 1, SIDE, SIDE], align_corners=False)
    moved = functional.grid_sample(images.view(n, 1, SIDE, SIDE).float(), grid, align_corners=False)
    return moved.round().to(torch.uint8).view(n, -1)
