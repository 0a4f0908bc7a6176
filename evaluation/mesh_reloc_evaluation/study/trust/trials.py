"""Trials: images and start poses from which the alignment should succeed, or should fail."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from mesh_reloc_evaluation.out_of_map.patterns import Image
from mesh_reloc_evaluation.posed_sequence import PosedSequence
from mesh_reloc_evaluation.random_pose import perturbed
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.frame import Frame

# How far start poses are off the truth: metres and degrees.
_NEAR = (0.02, 1.0)
_FAR = ((0.1, 5.0), (0.3, 10.0), (0.5, 20.0), (0.8, 30.0), (1.2, 45.0))
_WRONG_FOCAL = (1.05, 0.95)
_OUT_OF_MAP_PER_IMAGE = 2


@dataclass(frozen=True)
class Trial:
    """An image to align from a start pose, and its true pose."""

    kind: str
    frame: Frame
    start: Array
    """[4, 4] map_T_camera."""
    truth: Array | None
    """[4, 4]; None if every pose is wrong."""


def make_trials(
    sequence: PosedSequence, count: int, out_of_map: Callable[[int], Image]
) -> Iterator[Trial]:
    """Yield the trials of `count` of the images, spread evenly; the same each time.

    :param sequence: images with true poses. :param out_of_map: returns out-of-map images by number.
    """
    poses = sequence.poses
    chosen = np.unique(np.linspace(0, len(sequence) - 1, count).round().astype(int))
    for place, index in enumerate(chosen.tolist()):
        rng = np.random.default_rng((5, index))
        frame, pose = sequence.frames[index], poses[index]
        for kind, effect in _EFFECTS.items():
            changed = _with_image(frame, effect(frame.image, rng))
            yield Trial(kind, changed, perturbed(pose, rng, *_NEAR), pose)
        for metres, degrees in _FAR:
            start = perturbed(pose, rng, metres, degrees)
            yield Trial(f'from {metres:g} m, {degrees:g} deg off', frame, start, pose)
        other = chosen[(place + len(chosen) // 2) % len(chosen)]
        yield Trial("from another image's pose", frame, poses[other], pose)
        for kind, turned in (
            ('mirrored', frame.image[:, ::-1]),
            ('upside down', frame.image[::-1, ::-1]),
        ):
            yield Trial(kind, _with_image(frame, turned), pose, None)
        for number in range(_OUT_OF_MAP_PER_IMAGE):
            image = out_of_map(_OUT_OF_MAP_PER_IMAGE * place + number)
            start = perturbed(pose, rng, *_FAR[1])
            yield Trial('out of map', _with_image(frame, image), start, None)
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


def _with_image(frame: Frame, image: Image) -> Frame:
    return dataclasses.replace(frame, image=np.ascontiguousarray(image))


def _zoomed(frame: Frame, factor: float) -> Frame:
    camera = frame.camera
    wrong = dataclasses.replace(camera, fx=factor * camera.fx, fy=factor * camera.fy)
    return dataclasses.replace(frame, camera=wrong)
