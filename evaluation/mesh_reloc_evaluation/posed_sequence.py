"""Images of a recording with their true poses: the input of bench, stress and study."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_evaluation.trajectory_errors import associate
from mesh_reloc_ros.cli.arguments import open_recording, recording_name
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.recordings.tum import read_tum
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.pose import shifted
from mesh_reloc_ros.types.trajectory import Trajectory


@dataclass(frozen=True)
class PosedSequence:
    """Images in order, each with its true pose if that is known."""

    frames: list[Frame]
    poses: Array
    """[N, 4, 4] true map_T_camera, metres; NaN if unknown."""

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def camera(self) -> Camera:
        """The camera of the first image."""
        return self.frames[0].camera

    @property
    def stamps_ns(self) -> NDArray[np.int64]:
        """Stamps of the images [N]."""
        return np.array([frame.stamp_ns for frame in self.frames], dtype=np.int64)

    @property
    def period_ns(self) -> int:
        """The median time between two images."""
        return int(np.median(np.diff(self.stamps_ns)))

    @property
    def truth(self) -> Trajectory | None:
        """The true poses of the images that have one; None if no image has."""
        known = self._is_known
        return Trajectory(self.stamps_ns[known], self.poses[known]) if known.any() else None

    def with_truth(self) -> PosedSequence:
        """Return the images whose true pose is known."""
        known = np.flatnonzero(self._is_known)
        return PosedSequence([self.frames[index] for index in known], self.poses[known])

    def about(self, origin: Array) -> PosedSequence:
        """Return the sequence with poses about an origin [3] in the map, metres."""
        return PosedSequence(self.frames, shifted(self.poses, -origin))

    def images_in(self, seconds: float) -> int:
        """Return the number of images in a span of time, at least one."""
        return max(round(seconds * 1e9 / self.period_ns), 1)

    @property
    def _is_known(self) -> NDArray[np.bool_]:
        return np.isfinite(self.poses).all(axis=(1, 2))


def read_sequence(arguments: argparse.Namespace) -> PosedSequence:
    """Decode the images of the recording. True poses are those of --ground-truth, else its own.

    :raises InputError: recording or trajectory are unusable, or do not belong together.
    """
    truth = read_tum(arguments.ground_truth) if arguments.ground_truth else None
    with open_recording(arguments) as recording:
        frames = list(recording.frames(arguments.start, arguments.end))
        for line in recording.left_out.lines():
            print(line, file=sys.stderr)
        truth = truth or recording.ground_truth()
    if not frames:
        raise InputError(
            f'{recording.name} has no images from {arguments.start:g} to {arguments.end:g} s'
        )
    sequence = PosedSequence(frames, _poses_at(frames, truth))
    if arguments.ground_truth and sequence.truth is None:
        raise InputError(
            f'trajectory {arguments.ground_truth} has no pose within 5 ms of an image: give one of'
            ' the same recording'
        )
    return sequence


def read_posed_sequence(arguments: argparse.Namespace) -> PosedSequence:
    """Decode the images of the recording whose true pose is known; see `read_sequence`.

    :raises InputError: as `read_sequence`, or no true pose is known.
    """
    sequence = read_sequence(arguments).with_truth()
    if not len(sequence):
        raise InputError(
            f'no true poses: {recording_name(arguments)} has no PoseStamped topic for its images;'
            ' give --ground-truth'
        )
    return sequence


def _poses_at(frames: list[Frame], truth: Trajectory | None) -> Array:
    """Return the true poses [N, 4, 4] of images, NaN where the trajectory has none."""
    poses = np.full((len(frames), 4, 4), np.nan)
    if truth is not None:
        stamps = np.array([frame.stamp_ns for frame in frames], dtype=np.int64)
        images, paired = associate(Trajectory(stamps, poses), truth)
        poses[np.isin(stamps, images.stamps_ns)] = paired.poses
    return poses
