"""Frames of live messages: raw images are unpacked by cv_bridge."""

from __future__ import annotations

from cv_bridge import CvBridge, CvBridgeError

from mesh_reloc_ros.messages.encodings import Encoding, ImageMessage, Pixels, unpacked
from mesh_reloc_ros.messages.frames import MessageReader


def frame_reader(rectify: bool) -> MessageReader:
    """Return a reader that unpacks raw images by cv_bridge.

    OpenCV converts their colours, as it does for bags: cv_bridge would copy the result once more,
    and hold the lock of the interpreter meanwhile.

    :param rectify: whether the images are raw and must be rectified.
    """
    bridge = CvBridge()

    def unpack(image: ImageMessage, encoding: Encoding) -> Pixels:
        # cv_bridge skews rows that are padded by a part of a pixel, and takes no rows below; its
        # older releases fail at big-endian images with NumPy 2.
        is_odd = image.is_bigendian or encoding.extra_rows or image.step % encoding.pixel_bytes
        if not is_odd:
            try:
                return bridge.imgmsg_to_cv2(image)
            except CvBridgeError:
                # Most releases do not know the newer names, uyvy and yuyv.
                pass
        return unpacked(image, encoding)

    return MessageReader(rectify, unpack)
