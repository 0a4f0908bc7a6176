"""What goes wrong."""


class CvBridgeError(TypeError):
    """An image that cannot be converted."""
