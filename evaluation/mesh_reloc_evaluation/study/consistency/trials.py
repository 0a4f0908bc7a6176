"""Alignments of rendered images with known pose and known noise."""

from __future__ import annotations

import argparse
import dataclasses
from dataclasses import dataclass
from typing import TextIO

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from mesh_reloc_evaluation import small_room
from mesh_reloc_ros.align.coarse_to_fine import align_lm
from mesh_reloc_ros.align.pyramid import image_pyramid
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.kernels.se3 import exp, log
from mesh_reloc_ros.mesh_io.load import load_mesh
from mesh_reloc_ros.progress import progress_bar
from mesh_reloc_ros.recordings.bag import ImageBag
from mesh_reloc_ros.recordings.tum import read_tum
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.pose import shifted

_CAMERA = Camera(width=640, height=480, fx=525.0, fy=525.0, cx=319.5, cy=239.5)
# Start poses are off by a shift, relative to the median depth, and an angle in radians; 1 sigma.
_START_SHIFT, _START_TURN = 0.005, 0.005
_GAIN_SIGMA, _OFFSET_SIGMA = 0.1, 5.0


@dataclass(frozen=True)
class Noise:
    """A kind of image noise."""

    name: str
    about: str
    strength: float
    """Standard deviation in grey levels of 256."""
    size_px: float = 0.0
    """Sigma of the Gaussian that smooths the noise; 0: white noise."""
    left_half: bool = False
    """Whether the right half has weak white noise instead."""


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
class Viewpoints:
    """What is rendered: a scene, with a camera, from poses [N, 4, 4] map_T_camera."""

    scene: Scene
    camera: Camera
    poses: Array


@dataclass(frozen=True)
class Trials:
    """Results of N alignments."""

    errors: Array
    """[N, 6] twists x (metres, radians; camera frame): true pose = estimate exp(x)."""
    covariances: Array
    """[N, 6, 6] of those twists."""


def read_viewpoints(arguments: argparse.Namespace) -> Viewpoints:
    """Read mesh, poses and camera; without a mesh, return those of the small room.

    :raises InputError: a file is unusable, or there are no poses to render from.
    """
    if arguments.mesh is None:
        if arguments.bag or arguments.ground_truth:
            raise InputError('--bag and --ground-truth need --mesh')
        return small_room_viewpoints()
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
    mesh = load_mesh(arguments.mesh)
    return Viewpoints(Scene(mesh.about_zero()), camera, shifted(truth.poses, -mesh.origin))


def small_room_viewpoints() -> Viewpoints:
    """Return poses on the path through the small room."""
    scene = Scene(small_room.small_room_mesh(), device='cpu')
    steps = np.linspace(*small_room.PATH_STEPS, 1000)
    poses = np.array([small_room.pose_at(step) for step in steps])
    return Viewpoints(scene, small_room.CAMERA, poses)


def run_trials(
    viewpoints: Viewpoints,
    noise: Noise,
    count: int,
    map_error_scale: float,
    *,
    seed: int = 0,
    file: TextIO | None = None,
) -> Trials:
    """Align a number of images, spread evenly over the viewpoints.

    :param map_error_scale: see `AlignmentSettings`. :param seed: gives the same results each time.
    :param file: where progress is shown, if anywhere.
    """
    settings = dataclasses.replace(AlignmentSettings(), map_error_scale=map_error_scale)
    chosen = np.linspace(0, len(viewpoints.poses) - 1, count).round().astype(int)
    errors, covariances = [], []
    for number in progress_bar(range(count), noise.name, file):
        rng = np.random.default_rng((seed, NOISES.index(noise), number))
        pose = viewpoints.poses[chosen[number]]
        image, depth = _photographed(viewpoints, pose, noise, rng)
        spread = np.repeat((_START_SHIFT * depth, _START_TURN), 3)
        start = torch.from_numpy(pose @ exp(spread * rng.normal(size=6)))[None]
        pyramid = image_pyramid(image, viewpoints.camera)
        alignment = align_lm(viewpoints.scene, pyramid, start, None, settings)
        errors.append(log(np.linalg.inv(alignment.pose) @ pose))
        covariances.append(alignment.pose_covariance)
    return Trials(np.array(errors), np.array(covariances))


def _photographed(
    viewpoints: Viewpoints, pose: Array, noise: Noise, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], float]:
    """Return an image [H, W, 3] with random noise and exposure, and the median depth."""
    render = viewpoints.scene.render(torch.from_numpy(pose), viewpoints.camera)
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
    # Larger than the image, so that the smoothing is the same at its border.
    margin = round(4 * noise.size_px)
    field = rng.normal(size=(height + 2 * margin, width + 2 * margin, channels))
    field = cv2.GaussianBlur(field, (0, 0), noise.size_px)
    field = field[margin : margin + height, margin : margin + width]
    # Smoothing by a Gaussian of sigma s scales the deviation of white noise by 1 / (2 sqrt(pi) s).
    field *= noise.strength * 2 * np.sqrt(np.pi) * noise.size_px
    if noise.left_half:
        field[:, width // 2 :] = rng.normal(scale=3.0, size=field[:, width // 2 :].shape)
    return np.asarray(field)
