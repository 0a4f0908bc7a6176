"""Stand-in for cv_bridge: image messages as arrays of OpenCV and back."""

from cv_bridge.core import CvBridge
from cv_bridge.errors import CvBridgeError

__all__ = ['CvBridge', 'CvBridgeError']
