"""Stand-in for cv_bridge: image messages as arrays of OpenCV and back."""

from cv_bridge.core import CvBridge, CvBridgeError

__all__ = ['CvBridge', 'CvBridgeError']
