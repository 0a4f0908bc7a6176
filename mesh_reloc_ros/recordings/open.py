"""Open a recording of any supported format."""

from __future__ import annotations

from pathlib import Path

from mesh_reloc_ros.recordings.bag import ImageBag
from mesh_reloc_ros.recordings.bag_files import BAG_SUFFIXES, is_bag_folder
from mesh_reloc_ros.recordings.calibration import Calibration
from mesh_reloc_ros.recordings.images import IMAGE_SUFFIXES, ImageFiles
from mesh_reloc_ros.recordings.recording import Recording
from mesh_reloc_ros.recordings.video import Video


def open_recording(
    path: Path | str,
    *,
    image_topic: str = '',
    camera_info_topic: str = '',
    rectify: bool | None = None,
    odom_frame: str = '',
    camera_frame: str = '',
    camera: Path | str | None = None,
    fov: float | None = None,
    rate: float | None = None,
) -> Recording:
    """Open a recording: a bag, a video, or a folder or pattern of images.

    :param image_topic: the images of a bag; empty: the only image topic. Likewise
        `camera_info_topic`.
    :param rectify: True: the images are raw, rectify them; False: they are rectified already; None:
        as the name of the topic, or a camera without distortion, says.
    :param odom_frame: give each frame the camera in this frame, from /tf; empty: no odometry.
    :param camera_frame: the camera's optical frame in TF; empty: `frame_id` of the images.
    :param camera: the calibration of a video or of images, or instead of camera_info; see
        `Calibration`.
    :param fov: instead of `camera`: the field of view across the image, in degrees.
    :param rate: of images, in Hz: their stamps are made with it; None: 30.
    :raises InputError: it cannot be read, or lacks what was asked for.
    """
    path = Path(path)
    is_bag = is_bag_folder(path) or path.suffix.lower() in BAG_SUFFIXES
    calibration = None
    if not is_bag or camera is not None or fov is not None:
        calibration = Calibration(None if camera is None else Path(camera), fov, rectify)
    if calibration is None or is_bag:
        return ImageBag(
            path,
            image_topic,
            camera_info_topic,
            rectify,
            odom_frame,
            camera_frame,
            calibration,
        )
    if path.is_file() and path.suffix.lower() not in IMAGE_SUFFIXES:
        return Video(path, calibration)
    return ImageFiles(path, calibration, rate)
