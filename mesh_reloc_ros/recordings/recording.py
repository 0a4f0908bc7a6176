"""Open a recording of any supported format."""

from __future__ import annotations

from pathlib import Path

from mesh_reloc_ros.recordings.bag import ImageBag


def open_recording(
    path: Path | str,
    *,
    image_topic: str = '',
    camera_info_topic: str = '',
    rectify: bool = False,
    odom_frame: str = '',
    camera_frame: str = '',
) -> ImageBag:
    """Open a recording: the folder of a rosbag2 recording (MCAP or SQLite).

    :param image_topic: the images; empty: the only image topic. Likewise `camera_info_topic`.
    :param rectify: rectify the images, which are raw.
    :param odom_frame: give each frame the camera in this frame, from /tf; empty: no odometry.
    :param camera_frame: the camera's optical frame in TF; empty: `frame_id` of the images.
    :raises InputError: it cannot be read, or lacks what was asked for.
    """
    return ImageBag(Path(path), image_topic, camera_info_topic, rectify, odom_frame, camera_frame)
