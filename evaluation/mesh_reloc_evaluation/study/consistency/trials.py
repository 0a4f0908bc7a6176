"""Images with known truth and known noise, and how far their alignment is off."""

from __future__ import annotations

import argparse
import dataclasses
from dataclasses import dataclass
from typing import TextIO

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from mesh_reloc_evaluation.small_room import corner_mesh, corner_pose
from mesh_reloc_ros.align.lm_aligner import LmAligner
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.kernels.se3 import exp, log
from mesh_reloc_ros.progress import progress_bar
from mesh_reloc_ros.recordings.bag import ImageBag
from mesh_reloc_ros.recordings.tum import read_tum
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.camera import Camera

Array = NDArray[np.float64]

_CORNER_CAMERA = Camera(width=320, height=240, fx=262.0, fy=262.0, cx=161.5, cy=117.0)
_CAMERA = Camera(width=640, height=480, fx=525.0, fy=525.0, cx=319.5, cy=239.5)
# Of the start pose, relative to the depth of the middle of the image, and in radians.
_START_SHIFT, _START_TURN = 0.005, 0.005
_GAIN_SIGMA, _OFFSET_SIGMA = 0.1, 5.0


@dataclass(frozen=True)
class Noise:
    """Noise of a strength, 1 sigma in grey levels of 256, and a size."""

    name: str
    about: str
    strength: float
    size_px: float = 0.0
    """Sigma of the Gaussian that white noise is smoothed with; 0: it is white."""
    left_half: bool = False
    """Only there; the rest has little white noise."""


NOISES = (
    Noise('white 5', 'white noise, 5 grey levels', 5),
    Noise('white 10', 'white noise, 10 grey levels', 10),
    Noise('white 20', 'white noise, 20 grey levels', 20),
    Noise('blurred 8', 'noise smoothed over 1.5 px, 8 grey levels', 8, 1.5),
    Noise('grain 10', 'noise smoothed over 3 px, 10 grey levels', 10, 3),
    Noise('clouds 20', 'noise smoothed over 5 px, 20 grey levels', 20, 5),
    Noise('large clouds 15', 'noise smoothed over 15 px, 15 grey levels', 15, 15),
    Noise('half 15', 'noise smoothed over 3 px, 15 grey levels, in the left half', 15, 3, True),
)


@dataclass(frozen=True)
class Setup:
    """What is rendered: a scene, from poses [N, 4, 4] in order, with a camera."""

    scene: Scene
    camera: Camera
    poses: Array


@dataclass(frozen=True)
class Trials:
    """What came of N alignments."""

    errors: Array
    """[N, 6], twist x with true pose = estimate exp(x): metres and radians, camera frame."""
    covariances: Array
    """[N, 6, 6], of that twist."""


def read_setup(arguments: argparse.Namespace) -> Setup:
    """Read mesh, poses and camera, or make the small room.

    :raises InputError: a file is unusable, or there are no poses to render from.
    """
    if arguments.mesh is None:
        if arguments.bag or arguments.ground_truth:
            raise InputError('--bag and --ground-truth need the --mesh that they belong to')
        return corner_setup()
    camera, truth = _CAMERA, None
    if arguments.bag:
        with ImageBag(arguments.bag) as bag:
            frame = next(bag.frames(), None)
            camera, truth = frame.camera if frame else camera, bag.ground_truth()
    if arguments.ground_truth:
        truth = read_tum(arguments.ground_truth)
    if truth is None or not len(truth):
        raise InputError(
            'no poses to render from: give --ground-truth with poses of a camera in the mesh, or a'
            ' --bag with one PoseStamped topic'
        )
    return Setup(Scene.load(arguments.mesh), camera, truth.poses)


def corner_setup() -> Setup:
    """Return the small room with a camera of 320x240 on a path through it."""
    scene = Scene(corner_mesh(), device='cpu', rasterizer='embree')
    poses = np.array([corner_pose(share) for share in np.linspace(0, 1, 1000)])
    return Setup(scene, _CORNER_CAMERA, poses)


def run_trials(
    setup: Setup,
    noise: Noise,
    count: int,
    map_error_scale: float,
    *,
    seed: int = 0,
    file: TextIO | None = None,
) -> Trials:
    """Align so many images, with poses spread over those of the setup; the same for a seed.

    :param map_error_scale: see the settings. :param file: where progress is shown, if anywhere.
    """
    settings = dataclasses.replace(AlignmentSettings(), map_error_scale=map_error_scale)
    chosen = np.linspace(0, len(setup.poses) - 1, count).round().astype(int)
    errors, covariances = [], []
    for number in progress_bar(range(count), noise.name, file):
        rng = np.random.default_rng((seed, NOISES.index(noise), number))
        pose = setup.poses[chosen[number]]
        image, depth = _photographed(setup, pose, noise, rng)
        spread = np.repeat((_START_SHIFT * depth, _START_TURN), 3)
        start = torch.from_numpy(pose @ exp(spread * rng.normal(size=6)))[None]
        # A new one each time: it keeps its renders.
        aligner = LmAligner(setup.scene, settings)
        alignment = aligner.align(image, setup.camera, start, None, wide=False)
        errors.append(log(np.linalg.inv(alignment.map_T_camera[0].numpy()) @ pose))
        covariances.append(alignment.covariance[0].numpy())
    return Trials(np.array(errors), np.array(covariances))


def _photographed(
    setup: Setup, pose: Array, noise: Noise, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], float]:
    """Return an image [H, W, 3] with noise and an exposure of its own, and the median depth."""
    render = setup.scene.render(torch.from_numpy(pose), setup.camera)
    depth = render.depth[render.mask]
    gain = np.exp(rng.normal(scale=_GAIN_SIGMA, size=3))
    offset = rng.normal(scale=_OFFSET_SIGMA, size=3)
    image = 255 * render.colour[0].cpu().numpy() * gain + offset
    image += _noise(noise, image.shape, rng)
    median = float(depth.median()) if len(depth) else 1.0
    return image.round().clip(0, 255).astype(np.uint8), median


def _noise(noise: Noise, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Return noise [H, W, 3] in grey levels."""
    height, width, channels = shape
    if not noise.size_px:
        return rng.normal(scale=noise.strength, size=shape)
    # Made larger than the image, so that its border is like the rest.
    margin = round(4 * noise.size_px)
    field = rng.normal(size=(height + 2 * margin, width + 2 * margin, channels))
    field = cv2.GaussianBlur(field, (0, 0), noise.size_px)
    field = field[margin : margin + height, margin : margin + width]
    # Smoothing white noise by a Gaussian of sigma s leaves 1 / (2 sqrt(pi) s) of its strength.
    field *= noise.strength * 2 * np.sqrt(np.pi) * noise.size_px
    if noise.left_half:
        field[:, width // 2 :] = rng.normal(scale=3.0, size=field[:, width // 2 :].shape)
    return np.asarray(field)
