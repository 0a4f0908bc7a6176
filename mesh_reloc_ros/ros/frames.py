"""What the node makes of image and camera_info messages."""

from __future__ import annotations

from cv_bridge import CvBridge, CvBridgeError

from mesh_reloc_ros.messages.encodings import Encoding, ImageMessage, Pixels
from mesh_reloc_ros.messages.frames import MessageReader


class FrameReader(MessageReader):
    """Makes frames of the messages of one camera; to be used by one thread.

    cv_bridge unpacks raw images. Their colours are converted by OpenCV directly, as those of bags
    are: cv_bridge copies the result once more, and no other thread runs meanwhile.
    """

    def __init__(self, rectify: bool) -> None:
        """Begin.

        :param rectify: whether images come raw and are to be rectified here.
        """
        super().__init__(rectify)
        self._bridge = CvBridge()

    def _unpacked(self, image: ImageMessage, encoding: Encoding) -> Pixels:
        # cv_bridge shows rows askew that are padded by a part of a pixel, and no rows below; with
        # NumPy 2 its releases of before fail at big-endian ones.
        is_odd = image.is_bigendian or encoding.extra_rows or image.step % encoding.pixel_bytes
        if not is_odd:
            try:
                return self._bridge.imgmsg_to_cv2(image)
            except CvBridgeError:
                # Most releases do not know the newer names, uyvy and yuyv.
                pass
        return super()._unpacked(image, encoding)
