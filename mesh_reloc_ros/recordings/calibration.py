"""The camera of a video or of image files: from a calibration file, or from a field of view."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.messages.camera_info import rectified_camera
from mesh_reloc_ros.messages.rectification import Rectification, rectification_from_info
from mesh_reloc_ros.recordings.camera_file import FileCameraInfo, read_camera_file
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame

Size = tuple[int, int]
"""Width and height in pixels."""


class View(NamedTuple):
    """The camera of images of one size, and what makes them rectified."""

    camera: Camera
    rectification: Rectification | None

    def frame(self, stamp_ns: int, image: NDArray[np.uint8]) -> Frame:
        """Return the frame of an image, RGB [H, W, 3]."""
        frame = Frame(stamp_ns, image, self.camera)
        if self.rectification is None:
            return frame
        return dataclasses.replace(frame, image=self.rectification.apply(image))


class Calibration:
    """Says which camera images have, by their size."""

    def __init__(
        self, camera: Path | None, fov_deg: float | None, rectify: bool | None = None
    ) -> None:
        """Read the calibration.

        :param camera: YAML of camera_calibration, or cameras.txt of COLMAP, of which the camera
            with the size of the images counts.
        :param fov_deg: instead of a file: the field of view across the width of images without
            distortion.
        :param rectify: True: the images are raw, rectify them; False: they are rectified already;
            None: not known, and refused for a camera with distortion.
        :raises InputError: neither or both are given, or the file is unusable.
        """
        if (camera is None) == (fov_deg is None):
            raise InputError(
                'give the camera of the images: --camera camera.yaml (of camera_calibration, or'
                " COLMAP's cameras.txt), or --fov DEGREES across the width of the image"
            )
        if fov_deg is not None and not 1 <= fov_deg < 180:
            raise InputError(f'--fov {fov_deg:g}: give 1 to 179 degrees, across the image')
        self._file, self._fov_deg, self._rectify = camera, fov_deg, rectify
        self._views: dict[Size, View] = {}
        self._infos = [] if camera is None else read_camera_file(camera)

    @property
    def sizes(self) -> list[Size]:
        """The sizes of images that the file is for; empty for a field of view, which is for all."""
        return list(dict.fromkeys((info.width, info.height) for info in self._infos))

    def is_for(self, size: Size) -> bool:
        """Whether images of a size can be used."""
        return self._file is None or size in self.sizes

    def turns(self, stored: Size, upright: Size) -> bool:
        """Whether images are to be turned as their file asks for.

        A calibration of the other size was made with images that were not turned.
        """
        return self.is_for(upright) or not self.is_for(stored)

    def view(self, size: Size) -> View:
        """Return the camera of images of a size.

        :raises InputError: the calibration is for another size, or unusable; or it is not known
            whether the images are rectified.
        """
        if size not in self._views:
            self._views[size] = self._new_view(size)
        return self._views[size]

    def _new_view(self, size: Size) -> View:
        if self._fov_deg is not None:
            return View(_camera_of_fov(size, self._fov_deg), None)
        info = self._info_for(size)
        try:
            camera = rectified_camera(info)
            rectification = None if self._rectify is False else rectification_from_info(info)
        except InputError as error:
            text = str(error).replace('camera_info', 'the calibration')
            raise InputError(f'camera file {self._file}: {text}') from error
        if rectification is not None and self._rectify is None:
            raise InputError(
                f'camera file {self._file} has a distortion: give --rectify if the images are as'
                ' the camera took them (raw), or --rectified if they are rectified already'
            )
        return View(camera, rectification)

    def mismatch(self, size: Size) -> str:
        """Say that images of a size do not fit to the calibration."""
        sizes = ', '.join(f'{width}x{height}' for width, height in self.sizes)
        return (
            f'image is {size[0]}x{size[1]}, but camera file {self._file} is for {sizes}: give the'
            ' calibration of this size'
        )

    def _info_for(self, size: Size) -> FileCameraInfo:
        infos = [info for info in self._infos if (info.width, info.height) == size]
        if not infos:
            raise InputError(self.mismatch(size))
        if any(info != infos[0] for info in infos):
            raise InputError(
                f'camera file {self._file} has {len(infos)} cameras of {size[0]}x{size[1]}: leave'
                ' one in it'
            )
        return infos[0]


def _camera_of_fov(size: Size, fov_deg: float) -> Camera:
    width, height = size
    focal = width / 2 / math.tan(math.radians(fov_deg) / 2)
    return Camera(width, height, focal, focal, (width - 1) / 2, (height - 1) / 2)
