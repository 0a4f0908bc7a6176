"""Convert an image message and its camera_info to a frame."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.messages._decoding import (
    MIN_DEPTH,
    CompressedMessage,
    compressed_to_rgb,
    raw_to_rgb,
)
from mesh_reloc_ros.messages.camera_info import (
    CameraInfo,
    camera_from_info,
    check_is_not_rectified,
    check_is_rectified,
    rectified_camera,
)
from mesh_reloc_ros.messages.encodings import (
    Encoding,
    ImageMessage,
    Pixels,
    check_layout,
    encoding_named,
    unpacked,
)
from mesh_reloc_ros.messages.rectification import Rectification, rectification_from_info
from mesh_reloc_ros.messages.stamps import stamp_of_image
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame

AnyImage: TypeAlias = 'ImageMessage | CompressedMessage'
Unpack = Callable[[ImageMessage, Encoding], Pixels]


class MessageReader:
    """Converts the messages of one camera to frames; use it from one thread."""

    def __init__(self, rectify: bool, unpack: Unpack = unpacked) -> None:
        """Make a reader.

        :param rectify: whether the images are raw and must be rectified.
        :param unpack: returns the pixels of a raw image whose layout was checked.
        """
        self._rectify = rectify
        self._unpack = unpack
        self._depth = MIN_DEPTH
        self._source: tuple[Any, ...] = ()
        self._camera: Camera | None = None
        self._rectification: Rectification | None = None

    def read(self, image: AnyImage, info: CameraInfo, topic: str = '') -> Frame:
        """Convert a raw or compressed image and its camera_info to a frame.

        The frame of an rgb8 image shares the data of the message, without a copy.

        :param topic: topic of the image; raw images are recognized by its name.
        :raises InputError: a message is unusable, the two do not match, the image has no stamp, or
            it is raw and `rectify` is off.
        """
        stamp_ns = stamp_of_image(image)
        camera, rectification = self._view(info, topic)
        frame = Frame(stamp_ns, self.rgb(image), camera)
        if rectification is None:
            return frame
        return dataclasses.replace(frame, image=rectification.apply(frame.image))

    def rgb(self, image: AnyImage) -> NDArray[np.uint8]:
        """Decode a raw or compressed image to RGB [H, W, 3], without rectification.

        :raises InputError: the encoding is not supported, or the data do not match it.
        """
        if not hasattr(image, 'encoding'):
            rgb, self._depth = compressed_to_rgb(image, self._depth)
            return rgb
        encoding = encoding_named(image.encoding)
        check_layout(image, encoding)
        rgb, self._depth = raw_to_rgb(self._unpack(image, encoding), encoding, self._depth)
        # torch and numba treat read-only arrays, as those of bags, as another type.
        return np.require(rgb, requirements=('C', 'W'))

    def _view(self, info: CameraInfo, topic: str) -> tuple[Camera, Rectification | None]:
        """Return the camera of the frames and their rectification; cached until `info` changes."""
        source = (topic, *_content(info))
        if self._camera is None or source != self._source:
            self._camera, self._rectification = self._new_view(info, topic)
            self._source = source
        return self._camera, self._rectification

    def _new_view(self, info: CameraInfo, topic: str) -> tuple[Camera, Rectification | None]:
        if not self._rectify:
            check_is_rectified(info, topic)
            return camera_from_info(info), None
        rectification = rectification_from_info(info)
        if rectification is not None:
            check_is_not_rectified(topic)
        return rectified_camera(info), rectification


def _content(info: CameraInfo) -> tuple[Any, ...]:
    """Return the fields that camera and rectification depend on."""
    roi = info.roi
    return (
        (info.width, info.height, info.binning_x, info.binning_y, info.distortion_model),
        (roi.x_offset, roi.y_offset, roi.width, roi.height),
        *(tuple(field) for field in (info.d, info.k, info.r, info.p)),
    )
