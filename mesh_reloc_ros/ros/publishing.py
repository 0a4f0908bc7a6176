"""Publishing that outlasts a message that DDS does not take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.node import Node

_PERIOD_S = 10.0


def publish(node: Node, send: Callable[[Any], None], message: Any) -> bool:
    """Publish a message; if DDS does not take it, warn, at most every ten seconds, and go on.

    Fast DDS gives up after 100 ms, for instance on a busy machine. The next message may pass.

    :param send: `publish` of a publisher, or `sendTransform` of a broadcaster.
    :returns: False if the message is lost.
    """
    try:
        send(message)
    # rclpy's RCLError, which has no public name.
    except RuntimeError as error:
        if node.context.ok():
            node.get_logger().warning(
                f'a {type(message).__name__} was not published, DDS did not take it: {error}',
                throttle_duration_sec=_PERIOD_S,
            )
        return False
    return True
