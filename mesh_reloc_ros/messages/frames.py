"""What comes of an image and its camera_info, whatever library made the messages."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.messages.camera_info import (
    CameraInfo,
    camera_from_info,
    check_is_not_rectified,
    check_is_rectified,
    rectified_camera,
)
from mesh_reloc_ros.messages.decoding import CompressedMessage, Decoder
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


class MessageReader:
    """Makes frames of the images of one camera; to be used by one thread."""

    def __init__(self, rectify: bool) -> None:
        """Begin.

        :param rectify: whether images come raw and are to be rectified here.
        """
        self._rectify = rectify
        self._decoder = Decoder()
        self._source: tuple[Any, ...] = ()
        self._camera: Camera | None = None
        self._rectification: Rectification | None = None

    def read(
        self, image: ImageMessage | CompressedMessage, info: CameraInfo, topic: str = ''
    ) -> Frame:
        """Return the frame of an image, raw or compressed, and its camera_info.

        An image of encoding rgb8 shares the message's data, which thus stays as long as the frame.

        :param topic: where the image came from: by its name, raw images are known.
        :raises InputError: either cannot be used, they do not fit together, the image has no stamp,
            or it is not rectified and is not to be rectified here.
        """
        stamp_ns = stamp_of_image(image)
        camera, rectification = self._view(info, topic)
        frame = Frame(stamp_ns, self.rgb(image), camera)
        if rectification is None:
            return frame
        return dataclasses.replace(frame, image=rectification.apply(frame.image))

    def rgb(self, image: ImageMessage | CompressedMessage) -> NDArray[np.uint8]:
        """Return the image of a raw or compressed message as RGB [H, W, 3], not rectified.

        :raises InputError: the encoding cannot be read, or the data are not such an image.
        """
        if isinstance(image, CompressedMessage):
            return self._decoder.compressed(image)
        encoding = encoding_named(image.encoding)
        check_layout(image, encoding)
        rgb = self._decoder.raw(self._unpacked(image, encoding), encoding)
        # To torch and numba, arrays that are read-only, as those of bags, are of another kind.
        return np.require(rgb, requirements=('C', 'W'))

    def _unpacked(self, image: ImageMessage, encoding: Encoding) -> Pixels:
        """Return the pixels of a raw image whose layout has been checked."""
        return unpacked(image, encoding)

    def _view(self, info: CameraInfo, topic: str) -> tuple[Camera, Rectification | None]:
        """Return the camera of the frames, and how they come to be its; kept while `info` is so."""
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
    """Return all that the camera and its rectification depend on."""
    roi = info.roi
    return (
        (info.width, info.height, info.binning_x, info.binning_y, info.distortion_model),
        (roi.x_offset, roi.y_offset, roi.width, roi.height),
        *(tuple(field) for field in (info.d, info.k, info.r, info.p)),
    )
