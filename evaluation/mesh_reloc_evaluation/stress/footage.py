"""The real images that faults are put on, and what the tracker is shown of them."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_evaluation.posed_sequence import read_known_images
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame

Array = NDArray[np.float64]
Image = NDArray[np.uint8]

# With fewer images there is no before, during and after.
_FEWEST = 8


class Part(Enum):
    """Where in a case an image belongs."""

    BEFORE = 'before'
    FAULT = 'fault'
    AFTER = 'after'


@dataclass(frozen=True)
class Shown:
    """An image that the tracker gets."""

    frame: Frame
    map_T_camera: Array | None
    """[4, 4], where it was really taken; None: it does not show the map as it is, so that no pose
    of it is right."""
    part: Part


@dataclass(frozen=True)
class Footage:
    """Images with their true poses."""

    frames: list[Frame]
    poses: Array
    """[N, 4, 4] map_T_camera."""
    elsewhere: list[Image] = field(default_factory=list)
    """Images of the same size that show another place."""

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def camera(self) -> Camera:
        """The camera of the first image."""
        return self.frames[0].camera

    @property
    def period_ns(self) -> int:
        """The median time between two images."""
        stamps = np.array([frame.stamp_ns for frame in self.frames], dtype=np.int64)
        return int(np.median(np.diff(stamps)))

    def images_in(self, seconds: float) -> int:
        """Return how many images there are in so much time, at least one."""
        return max(round(seconds * 1e9 / self.period_ns), 1)

    def shown(self, index: int, part: Part, stamp_ns: int | None = None) -> Shown:
        """Return an image as it is; `stamp_ns` where it is to have another stamp."""
        frame = self.frames[index]
        if stamp_ns is not None:
            frame = replace(frame, stamp_ns=stamp_ns)
        return Shown(frame, self.poses[index], part)


def read_footage(arguments: argparse.Namespace) -> Footage:
    """Decode those images of a bag whose true pose is known.

    :raises InputError: the bag or the truth is unusable, or there are too few such images.
    """
    kept, poses = read_known_images(arguments)
    if len(kept) < _FEWEST:
        raise InputError(
            f'{len(kept)} images of bag {arguments.bag} have a true pose: at least {_FEWEST} are'
            ' needed'
        )
    return Footage(kept, poses)
