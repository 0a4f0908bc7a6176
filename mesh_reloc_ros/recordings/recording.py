"""Recordings of any format: how to open one, and what it offers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from mesh_reloc_ros.recordings.bag import ImageBag
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.trajectory import Trajectory


class Recording(Protocol):
    """Images of one camera on disk, in the order of recording; a context manager."""

    def __enter__(self) -> Recording:
        """Return the recording itself."""
        ...

    def __exit__(self, *error: object) -> None:
        """Close the files."""
        ...

    def __len__(self) -> int:
        """Return the number of images in the whole recording."""
        ...

    def frames(self, start_s: float = 0.0, end_s: float = math.inf) -> Iterator[Frame]:
        """Yield the images from `start_s` to `end_s` seconds after the beginning.

        :raises InputError: an image or its camera cannot be used.
        """
        ...

    def ground_truth(self) -> Trajectory | None:
        """Return recorded poses of the camera in the map; None if there are none.

        :raises InputError: a pose is not one.
        """
        ...


def open_recording(
    path: Path | str,
    *,
    image_topic: str = '',
    camera_info_topic: str = '',
    rectify: bool = False,
    odom_frame: str = '',
    camera_frame: str = '',
) -> Recording:
    """Open a recording: the folder of a rosbag2 recording (MCAP or SQLite).

    :param image_topic: the images; empty: the only image topic. Likewise `camera_info_topic`.
    :param rectify: rectify the images, which are raw.
    :param odom_frame: give each frame the camera in this frame, from /tf; empty: no odometry.
    :param camera_frame: the camera's optical frame in TF; empty: `frame_id` of the images.
    :raises InputError: it cannot be read, or lacks what was asked for.
    """
    return ImageBag(Path(path), image_topic, camera_info_topic, rectify, odom_frame, camera_frame)
