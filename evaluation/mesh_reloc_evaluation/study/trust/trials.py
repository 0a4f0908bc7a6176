"""Alignments that should end right, and many that should not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.kernels.se3 import exp
from mesh_reloc_ros.types.frame import Frame

Array = NDArray[np.float64]
Image = NDArray[np.uint8]

# Starts off the truth: metres and degrees.
_NEAR = (0.02, 1.0)
_FAR = ((0.1, 5.0), (0.3, 10.0), (0.5, 20.0), (0.8, 30.0), (1.2, 45.0))
_WRONG_FOCAL = (1.05, 0.95)
_FOREIGN_PER_IMAGE = 2


@dataclass(frozen=True)
class Trial:
    """An image to be aligned from a start pose, and where it was taken."""

    kind: str
    frame: Frame
    start: Array
    """[4, 4] map_T_camera."""
    truth: Array | None
    """[4, 4]; None where no pose is right."""


@dataclass(frozen=True)
class Outcome:
    """What came of a trial: its signs, and how far the thresholds let it pass."""

    kind: str
    right: bool
    signs: dict[str, float]
    """Of `AlignmentQuality`, the second look and the focal length: metres, radians, shares."""
    goes_on: bool
    """The signs that come with the alignment reach the bars to go on."""
    enters: bool
    """They reach the bars to begin trust."""
    agrees: bool
    """And a second look ends at the same pose."""
    trusted: bool
    """And the focal length fits."""


def make_trials(
    frames: Sequence[Frame], poses: Array, count: int, foreign: Callable[[int], Image]
) -> Iterator[Trial]:
    """Yield the trials of `count` of the frames, spread evenly; the same each time.

    :param poses: [N, 4, 4] true map_T_camera of the frames.
    :param foreign: gives images of something else, by number.
    """
    chosen = np.unique(np.linspace(0, len(frames) - 1, count).round().astype(int))
    for place, index in enumerate(chosen.tolist()):
        rng = np.random.default_rng((5, index))
        frame, pose = frames[index], poses[index]
        for kind, effect in _EFFECTS.items():
            shown = _showing(frame, effect(frame.image, rng))
            yield Trial(kind, shown, _off(pose, rng, *_NEAR), pose)
        for metres, degrees in _FAR:
            start = _off(pose, rng, metres, degrees)
            yield Trial(f'from {metres:g} m, {degrees:g} deg off', frame, start, pose)
        other = chosen[(place + len(chosen) // 2) % len(chosen)]
        yield Trial("from another image's pose", frame, poses[other], pose)
        for kind, turned in (
            ('mirrored', frame.image[:, ::-1]),
            ('upside down', frame.image[::-1, ::-1]),
        ):
            yield Trial(kind, _showing(frame, turned), pose, None)
        for number in range(_FOREIGN_PER_IMAGE):
            image = foreign(_FOREIGN_PER_IMAGE * place + number)
            start = _off(pose, rng, *_FAR[1])
            yield Trial('something else', _showing(frame, image), start, None)
        for factor in _WRONG_FOCAL:
            yield Trial(f'focal length {factor - 1:+.0%}', _zoomed(frame, factor), pose, pose)


def _blurred(image: Image, rng: np.random.Generator) -> Image:
    blurred: Image = cv2.GaussianBlur(image, (0, 0), 4 * image.shape[1] / 640)
    return blurred


def _dark_and_noisy(image: Image, rng: np.random.Generator) -> Image:
    seen = 0.4 * image + rng.normal(scale=8.0, size=image.shape)
    return seen.round().clip(0, 255).astype(np.uint8)


def _compressed(image: Image, rng: np.random.Generator) -> Image:
    _, code = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, 10])
    decoded: Image = cv2.imdecode(code, cv2.IMREAD_UNCHANGED)
    return decoded


def _covered(image: Image, rng: np.random.Generator) -> Image:
    covered = image.copy()
    covered[:, : image.shape[1] // 3] = rng.integers(0, 256, 3)
    return covered


_EFFECTS: dict[str, Callable[[Image, np.random.Generator], Image]] = {
    'near': lambda image, rng: image,
    'near, blurred': _blurred,
    'near, dark and noisy': _dark_and_noisy,
    'near, JPEG at quality 10': _compressed,
    'near, a third covered': _covered,
}


def _showing(frame: Frame, image: Image) -> Frame:
    return dataclasses.replace(frame, image=np.ascontiguousarray(image))


def _zoomed(frame: Frame, factor: float) -> Frame:
    camera = frame.camera
    wrong = dataclasses.replace(camera, fx=factor * camera.fx, fy=factor * camera.fy)
    return dataclasses.replace(frame, camera=wrong)


def _off(pose: Array, rng: np.random.Generator, metres: float, degrees: float) -> Array:
    """Return a pose [4, 4] off by this distance and angle, in random directions."""
    shift, axis = rng.normal(size=(2, 3))
    shift *= metres / np.linalg.norm(shift)
    axis *= np.radians(degrees) / np.linalg.norm(axis)
    off = pose @ exp(np.concatenate((np.zeros(3), axis)))
    off[:3, 3] += shift
    return np.asarray(off)
