"""Hard shadows: parts of an image that get less light than the rest, with a sharp edge.

The ratio of the image to a render from nearly the right pose has two values, one where the light
falls and one in the shadow. Where a shadow ends, the image has an edge and the mesh has none; where
a wrong pose or an object in the way looks like a shadow, the edges are mostly those of the mesh.
The image is aligned once the shadows are brightened.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.align.pyramid import ImageLevel, image_pyramid
from mesh_reloc_ros.render.scene import Scene

# Shadows are found at the coarsest level whose shorter side has so many pixels.
_SHORTER_SIDE_PX = 120
# Added to brightness before its logarithm: below that there is mostly noise.
_DARK = 0.02
# A surface that is darker says little about the light.
_LEAST_BRIGHTNESS = 0.08
# Shadows take more than this of the light, as a logarithm, and cover at least this share.
_LEAST_DEPTH, _LEAST_SHARE = 0.35, 0.02
# Share of the step along the outline of shadows that is in the image.
_LEAST_IN_IMAGE = 0.4
# Resolution of the histogram of logarithms.
_PER_UNIT, _LOWEST = 60.0, -3.0


@dataclass(frozen=True)
class Shadows:
    """Where an image lies in the shadow, and how dark it is there."""

    mask: NDArray[np.uint8]
    """[H, W], 255 in the shadow."""
    gains: NDArray[np.float64]
    """[3], factors that make the colours in the shadow those of the rest."""

    def removed(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the image [H, W, 3] with its shadows brightened."""
        curves = np.arange(256)[:, None] * self.gains
        table = curves.round().clip(0, 255).astype(np.uint8)[None]
        result = image.copy()
        cv2.copyTo(cv2.LUT(image, table), self.mask, result)
        return result


def without_shadows(
    scene: Scene, pyramid: Sequence[ImageLevel], map_T_camera: Tensor, *, grey: bool = False
) -> Sequence[ImageLevel] | None:
    """Return the levels of an image with its shadows brightened; None if it shows none.

    :param pyramid: all levels of the image. :param map_T_camera: [1, 4, 4], nearly the right pose.
    """
    full = pyramid[0]
    shadows = find_shadows(scene, pyramid, map_T_camera, grey=grey)
    if shadows is None:
        return None
    levels = image_pyramid(shadows.removed(full.image), full.camera)
    return [
        dataclasses.replace(level, usable=before.usable, noise=before.noise)
        for level, before in zip(levels, pyramid, strict=True)
    ]


def find_shadows(
    scene: Scene, pyramid: Sequence[ImageLevel], map_T_camera: Tensor, *, grey: bool = False
) -> Shadows | None:
    """Return the shadows in an image, seen from a pose [1, 4, 4]; None if it shows none."""
    full = pyramid[0]
    live = pyramid[full.camera.coarsest_level(_SHORTER_SIDE_PX)]
    render = scene.render(map_T_camera, live.camera, grey=grey)
    rendered = np.ascontiguousarray(render.colour[0].cpu().numpy())
    seen = render.mask[0].cpu().numpy()
    if live.usable is not None:
        seen &= live.usable > 0
    image = live.image.astype(np.float32) / 255
    at_image, at_render = _logarithm(image), _logarithm(rendered)
    seen &= at_render > np.log(_LEAST_BRIGHTNESS + _DARK)
    ratio = at_image - at_render
    if seen.mean() < _LEAST_SHARE:
        return None
    ratio = cv2.medianBlur(np.where(seen, ratio, np.median(ratio[seen])), 3)
    threshold, depth = _two_levels(ratio[seen])
    dark = (ratio < threshold) & seen
    share = dark.sum() / seen.sum()
    if depth < _LEAST_DEPTH or not _LEAST_SHARE < share < 1 - _LEAST_SHARE:
        return None
    dark = _without_stray_parts(dark, seen, at_image / depth)
    if not _outline(dark, seen, at_image / depth).share >= _LEAST_IN_IMAGE:
        return None
    gains = _gains(image, rendered, dark, seen & ~dark, depth)
    return Shadows(_at_full_resolution(dark, full.image), gains)


def _logarithm(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logarithm of the brightness [H, W] of an image [H, W, 3] of 0 to 1."""
    return np.asarray(np.log(image.mean(-1, dtype=np.float32) + np.float32(_DARK)))


def _two_levels(values: NDArray[np.float32]) -> tuple[float, float]:
    """Return the threshold between the two levels of values [N], and their difference (Otsu)."""
    bins = ((values - _LOWEST) * _PER_UNIT).clip(0, 255).astype(np.uint8)
    chosen, _ = cv2.threshold(bins, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    low = bins <= chosen
    if low.all() or not low.any():
        return 0.0, 0.0
    first, second = float(np.median(values[low])), float(np.median(values[~low]))
    return (first + second) / 2, second - first


class _Outline(NamedTuple):
    """Steps from dark to lit along an outline, one for each pair of neighbouring pixels [N]."""

    steps: NDArray[np.float32]
    """Brightness of the image, relative to the depth of the shadow, at most 1."""
    dark: NDArray[np.intp]
    """Flat index of the dark pixel."""
    lit: NDArray[np.intp]
    """Flat index of the lit pixel."""

    @property
    def share(self) -> float:
        """How much of the steps the image shows."""
        return float(self.steps.mean()) if len(self.steps) else 0.0


def _outline(
    dark: NDArray[np.bool_], seen: NDArray[np.bool_], brightness: NDArray[np.float32]
) -> _Outline:
    """Return the outline of what is dark [H, W]; brightness is relative to the depth."""
    pixels = np.arange(dark.size).reshape(dark.shape)
    steps, ends = [], []
    for dark_, seen_, bright, at in (
        (dark, seen, brightness, pixels),
        (dark.T, seen.T, brightness.T, pixels.T),
    ):
        is_outline = (dark_[1:-2] != dark_[2:-1]) & seen_[:-3] & seen_[1:-2]
        is_outline &= seen_[2:-1] & seen_[3:]
        row, column = np.nonzero(is_outline)
        ends.append(np.stack((at[row + 1, column], at[row + 2, column])))
        steps.append(bright[row + 3, column] - bright[row, column])
    end, step = np.concatenate(ends, axis=1), np.concatenate(steps)
    is_first = dark.ravel()[end[0]]
    step = np.where(is_first, step, -step).clip(-1, 1)
    first, second = end
    return _Outline(step, np.where(is_first, first, second), np.where(is_first, second, first))


def _without_stray_parts(
    dark: NDArray[np.bool_], seen: NDArray[np.bool_], brightness: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Return what is dark without the parts, and with the holes, whose outlines are the mesh's."""
    outline = _outline(dark, seen, brightness)
    parts = []
    for region, ends in ((dark, outline.dark), (seen & ~dark, outline.lit)):
        count, labels = cv2.connectedComponents(region.astype(np.uint8), connectivity=4)
        label = labels.ravel()[ends]
        length = np.bincount(label, minlength=count)
        in_image = np.bincount(label, outline.steps, minlength=count)
        is_stray = in_image < _LEAST_IN_IMAGE * length
        is_stray[[0, _largest(labels)]] = False
        parts.append(is_stray[labels])
    stray, holes = parts
    return np.asarray((dark & ~stray) | holes)


def _largest(labels: NDArray[np.int32]) -> int:
    """Return the label of the largest part; 0 is none."""
    areas = np.bincount(labels.ravel())
    areas[0] = 0
    return int(areas.argmax())


def _gains(
    image: NDArray[np.float32],
    rendered: NDArray[np.float32],
    dark: NDArray[np.bool_],
    lit: NDArray[np.bool_],
    depth: float,
) -> NDArray[np.float64]:
    """Return the factors [3] between what is lit and what is dark, both [H, W]."""
    gains = np.full(3, np.exp(depth))
    for c in range(3):
        ratio = image[..., c] / np.maximum(rendered[..., c], 1e-3)
        bright = rendered[..., c] > _LEAST_BRIGHTNESS
        inside, outside = ratio[dark & bright], ratio[lit & bright]
        if len(inside) and len(outside):
            gains[c] = np.median(outside) / max(np.median(inside), 1e-3)
    return gains.clip(1.0, 20.0)


def _at_full_resolution(dark: NDArray[np.bool_], image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the mask [H, W] of an image; near its outline, where the image is darker.

    :param dark: [h, w], at a coarser level.
    """
    height, width = image.shape[:2]
    factor = height // len(dark)
    mask = np.zeros((height, width), dtype=np.uint8)
    coarse = cv2.resize(
        dark.astype(np.uint8), None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST
    )
    mask[: len(coarse), : coarse.shape[1]] = coarse
    if factor == 1:
        return np.asarray(255 * mask, dtype=np.uint8)
    around = np.ones((2 * factor + 1, 2 * factor + 1), dtype=np.uint8)
    inside, outside = cv2.erode(mask, around), cv2.erode(1 - mask, around)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    logarithms = np.log(np.arange(256, dtype=np.float32) / 255 + np.float32(_DARK))
    brightness = np.asarray(cv2.LUT(grey, logarithms), dtype=np.float32)
    window = (6 * factor + 1, 6 * factor + 1)
    means, known = [], inside | outside
    near = np.ones(mask.shape, dtype=np.bool_)
    for side in (inside, outside):
        weight = cv2.boxFilter(side.astype(np.float32), -1, window, normalize=False)
        total = cv2.boxFilter(brightness * side, -1, window, normalize=False)
        means.append(total / np.maximum(weight, 1))
        near &= weight > 3
    darker = brightness < (means[0] + means[1]) / 2
    undecided = near & (known == 0)
    return np.where(undecided, darker, mask > 0).astype(np.uint8) * np.uint8(255)
