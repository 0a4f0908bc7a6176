"""Synthetic images: noise, textures, gradients, patterns, text."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""RGB [H, W, 3]."""
Values = NDArray[np.float32]
Rng = np.random.Generator


def spectral_noise(rng: Rng, width: int, height: int) -> Image:
    """Return coloured noise whose amplitude depends on frequency f as f^-k, k in 0 to 2.

    k = 0 is white noise; natural images have about k = 1.
    """
    slope = rng.choice([0.0, 0.5, 1.0, 1.5, 2.0])
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequency[0, 0] = 1.0
    grey = rng.uniform(0, 1)
    shared = rng.normal(size=(height, width))
    channels = []
    for _ in range(3):
        own = rng.normal(size=(height, width))
        spectrum = np.fft.rfft2(grey * shared + (1 - grey) * own) / frequency**slope
        spectrum[0, 0] = 0
        channel = np.fft.irfft2(spectrum, s=(height, width))
        channels.append(channel / channel.std())
    return _bytes(128 + rng.uniform(20, 60) * np.stack(channels, axis=-1))


def clouds(rng: Rng, width: int, height: int) -> Image:
    """Return coloured clouds of several sizes, half of the time posterized."""
    total = np.full((height, width, 3), 128.0, dtype=np.float32)
    for cells in (3, 8, 21, 55):
        coarse = rng.normal(size=(cells, cells, 3)).astype(np.float32)
        total += 30 * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.5:
        step = rng.uniform(25, 70)
        total = np.floor(total / step) * step
    return _bytes(total)


def cells(rng: Rng, width: int, height: int) -> Image:
    """Return a mosaic of Voronoi cells of random points, each in one colour."""
    count = int(rng.integers(12, 400))
    seeds = np.full((height, width), 255, dtype=np.uint8)
    seeds[rng.integers(0, height, count), rng.integers(0, width, count)] = 0
    _, labels = cv2.distanceTransformWithLabels(
        seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    colours = rng.integers(0, 256, (int(labels.max()) + 1, 3))
    return np.asarray(colours[labels], dtype=np.uint8)


def gradient(rng: Rng, width: int, height: int) -> Image:
    """Return a linear or radial gradient between two colours."""
    y, x = _grid(width, height)
    if rng.random() < 0.5:
        angle = rng.uniform(0, 2 * np.pi)
        along = x * np.cos(angle) + y * np.sin(angle)
    else:
        along = np.hypot(x - rng.uniform(-1, 1), y - rng.uniform(-1, 1))
    along = (along - along.min()) / (along.max() - along.min())
    first, second = rng.uniform(0, 255, (2, 3)).astype(np.float32)
    return _bytes(first + along[..., None] * (second - first))


def checker(rng: Rng, width: int, height: int) -> Image:
    """Return a chessboard, stripes or a grid of dots, in two colours, at a random angle."""
    y, x = _grid(width, height)
    angle, size = rng.uniform(0, np.pi), rng.uniform(0.05, 0.5)
    u = (x * np.cos(angle) + y * np.sin(angle)) / size
    v = (y * np.cos(angle) - x * np.sin(angle)) / size
    kind = rng.integers(3)
    if kind == 0:
        on = (np.floor(u) + np.floor(v)) % 2 > 0
    elif kind == 1:
        on = np.floor(u) % 2 > 0
    else:
        on = np.hypot(u % 1 - 0.5, v % 1 - 0.5) < 0.3
    first, second = rng.uniform(0, 255, (2, 3)).astype(np.float32)
    return _bytes(np.where(on[..., None], first, second))


def text(rng: Rng, width: int, height: int) -> Image:
    """Return a page of random words."""
    paper = rng.integers(150, 256, 3)
    image = np.full((height, width, 3), paper, dtype=np.uint8)
    scale = height / 480 * rng.uniform(0.4, 1.6)
    line = max(int(36 * scale), 6)
    letters = list(string.ascii_letters + '      ')
    ink = tuple(int(value) for value in rng.integers(0, 90, 3))
    for bottom in range(line, height + line, line):
        words = ''.join(rng.choice(letters, 120))
        cv2.putText(
            image, words, (5, bottom), cv2.FONT_HERSHEY_SIMPLEX, scale, ink, 1 + int(2 * scale)
        )
    return image


def waves(rng: Rng, width: int, height: int) -> Image:
    """Return veins as in wood or marble: bent waves in two colours."""
    y, x = _grid(width, height)
    bend = np.zeros_like(x)
    for _ in range(4):
        angle, frequency = rng.uniform(0, np.pi), rng.uniform(1, 6)
        bend += np.sin(frequency * (x * np.cos(angle) + y * np.sin(angle)) + rng.uniform(0, 6))
    share = 0.5 + 0.5 * np.sin(rng.uniform(3, 30) * x + rng.uniform(0.5, 3) * bend)
    first, second = rng.uniform(0, 255, (2, 3)).astype(np.float32)
    return _bytes(first + share[..., None] * (second - first))


PATTERNS: dict[str, Callable[[Rng, int, int], Image]] = {
    'noise': spectral_noise,
    'clouds': clouds,
    'cells': cells,
    'waves': waves,
    'gradient': gradient,
    'checker': checker,
    'text': text,
}
"""By name: from a random generator, a width and a height to an image [H, W, 3]."""


def _grid(width: int, height: int) -> tuple[Values, Values]:
    """Return y and x of each pixel, [H, W] each; x is -1 to 1."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return (2 * y - height) / width, (2 * x - width) / width


def _bytes(values: NDArray[Any]) -> Image:
    return np.asarray(values.round().clip(0, 255), dtype=np.uint8)
