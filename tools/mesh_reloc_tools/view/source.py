"""The image and the pose that a picture is made of, from the arguments."""

from __future__ import annotations

import argparse

import numpy as np

from mesh_reloc_ros.cli.arguments import open_recording, recording_name
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.recordings.calibration import Calibration
from mesh_reloc_ros.recordings.images import DEFAULT_RATE
from mesh_reloc_ros.recordings.tum import read_tum
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.pose import pose_from_text

# Of pictures without an image: a usual camera.
_SIZE, _FOV_DEG = (1280, 960), 65.0
# A pose of a trajectory belongs to an image if its stamp is this near.
_NEAR_S = 0.05


def image_of(arguments: argparse.Namespace) -> Frame | None:
    """Return the chosen image of the recording; None if none is given.

    :raises InputError: it cannot be read, or there is none at that time.
    """
    if not recording_name(arguments):
        if arguments.at is not None and arguments.trajectory is None:
            raise InputError('--at is for --bag, --video, --images or --trajectory: give one')
        return None
    at = 0.0 if arguments.at is None else arguments.at
    if arguments.images is not None:
        # Stamps are at a constant rate, so half a period before the image nothing else is met.
        rate = arguments.rate or DEFAULT_RATE
        at = (max(at, 1.0) - 1.5) / rate
    with open_recording(arguments) as recording:
        frame = next(recording.frames(at), None)
        if frame is None:
            raise InputError(f'{recording.name} has no image at or after --at {arguments.at:g}')
        for line in recording.left_out.lines():
            print(f'{recording.name}: {line}')
    return frame


def pose_of(arguments: argparse.Namespace, frame: Frame | None) -> Array | None:
    """Return map_T_camera [4, 4] as given, or that of the trajectory; None if none is given.

    :raises InputError: it cannot be read, or the trajectory has none for this image.
    """
    if arguments.pose is not None:
        return pose_from_text(' '.join(arguments.pose))
    if arguments.trajectory is None:
        return None
    trajectory = read_tum(arguments.trajectory)
    if not len(trajectory):
        raise InputError(f'trajectory {arguments.trajectory} has no poses')
    wanted = trajectory.stamps_ns[0] + round(1e9 * (arguments.at or 0.0))
    if frame is not None:
        wanted = frame.stamp_ns
    apart = np.abs(trajectory.stamps_ns - wanted)
    nearest = int(apart.argmin())
    if frame is not None and apart[nearest] > _NEAR_S * 1e9:
        raise InputError(
            f'trajectory {arguments.trajectory} has no pose for the image of'
            f' {wanted * 1e-9:.3f} s: the nearest is {apart[nearest] * 1e-9:.3g} s away'
        )
    return np.asarray(trajectory.poses[nearest])


def camera_of(arguments: argparse.Namespace, frame: Frame | None) -> Camera:
    """Return the camera of the image, or the one that is given, or a usual one.

    :raises InputError: the calibration cannot be read.
    """
    if frame is not None:
        return frame.camera
    if arguments.camera is None:
        return Calibration(None, arguments.fov or _FOV_DEG).view(_SIZE).camera
    calibration = Calibration(arguments.camera, None, rectify=False)
    return calibration.view(calibration.sizes[0]).camera
