"""The images that all methods get, where they were really taken from, and where to start."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.cli.arguments import open_bag
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.recordings.tum import read_tum
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.pose import pose_from_text
from mesh_reloc_ros.types.trajectory import Trajectory, associate


@dataclass(frozen=True)
class Clip:
    """Decoded images with their truth."""

    frames: list[Frame]
    truth: Trajectory | None
    """The true poses of those images that have one; None where nothing is known."""
    start: NDArray[np.float64]
    """[4, 4] map_T_camera of the first image, as well as it is known."""

    @property
    def stamps_ns(self) -> NDArray[np.int64]:
        """[N] of the images."""
        return np.array([frame.stamp_ns for frame in self.frames], dtype=np.int64)


def read_clip(arguments: argparse.Namespace) -> Clip:
    """Decode a bag's images; the truth is a file's, or else the bag's own.

    :raises InputError: the bag or the truth is unusable, or there is no pose to start at.
    """
    given = pose_from_text(arguments.initial_pose) if arguments.initial_pose is not None else None
    frames, at_images = read_images(arguments)
    first = _at(frames[:1], at_images)
    start = first.poses[0] if given is None and first is not None else given
    if start is None:
        raise InputError(
            'no start pose: the truth says nothing of the first image; give --initial-pose'
            ' "x y z qx qy qz qw", the camera in the map at that image'
        )
    return Clip(frames, at_images, start)


def read_images(arguments: argparse.Namespace) -> tuple[list[Frame], Trajectory | None]:
    """Decode a bag's images; with the true poses of those that have one, or None.

    :raises InputError: the bag or the truth is unusable, or they do not belong together.
    """
    truth = read_tum(arguments.ground_truth) if arguments.ground_truth else None
    with open_bag(arguments) as bag:
        frames = list(bag.frames(arguments.start, arguments.end))
        truth = truth or bag.ground_truth()
    if not frames:
        raise InputError(
            f'bag {arguments.bag} has no images from {arguments.start:g} to {arguments.end:g} s'
        )
    at_images = _at(frames, truth)
    if arguments.ground_truth and at_images is None:
        raise InputError(
            f'trajectory {arguments.ground_truth} has no pose within 5 ms of an image: give one of'
            ' the same recording'
        )
    return frames, at_images


def read_known_images(arguments: argparse.Namespace) -> tuple[list[Frame], NDArray[np.float64]]:
    """Decode those images of a bag whose true pose is known; with those poses [N, 4, 4].

    :raises InputError: the bag or the truth is unusable, or no true pose is known.
    """
    frames, truth = read_images(arguments)
    if truth is None:
        raise InputError(
            f'no true poses: bag {arguments.bag} has no PoseStamped topic for its images; give'
            ' --ground-truth'
        )
    known = dict(zip(truth.stamps_ns.tolist(), truth.poses, strict=True))
    kept = [frame for frame in frames if frame.stamp_ns in known]
    return kept, np.array([known[frame.stamp_ns] for frame in kept])


def _at(frames: list[Frame], truth: Trajectory | None) -> Trajectory | None:
    """Return the true poses of the images that have one, at the images' stamps, or None."""
    if truth is None:
        return None
    stamps = np.array([frame.stamp_ns for frame in frames], dtype=np.int64)
    images, poses = associate(Trajectory(stamps, np.zeros((len(frames), 4, 4))), truth)
    return Trajectory(images.stamps_ns, poses.poses) if len(images) else None
