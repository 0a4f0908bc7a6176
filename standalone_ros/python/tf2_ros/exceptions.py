"""Why a transform cannot be had."""


class TransformException(Exception):
    """Base of all of them."""


class LookupException(TransformException):
    """A frame is not known."""


class ConnectivityException(TransformException):
    """The frames are not in the same tree."""


class ExtrapolationException(TransformException):
    """The time lies outside of what was received."""


class InvalidArgumentException(TransformException):
    """The name of a frame is not valid."""


class TimeoutException(TransformException):
    """Nothing came in time."""
