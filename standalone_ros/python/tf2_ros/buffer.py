"""The buffer that nodes ask for transforms."""

from __future__ import annotations

from time import sleep

from builtin_interfaces.msg import Time as TimeMsg
from geometry_msgs.msg import TransformStamped
from rclpy.clock import Clock, JumpThreshold, TimeJump
from rclpy.duration import Duration
from rclpy.logging import get_logger
from rclpy.node import Node
from rclpy.time import Time

from tf2_ros.buffer_core import BufferCore

_POLL_S = 0.02


class Buffer(BufferCore):
    """A buffer whose lookups can wait; cleared when the clock of `node` jumps back."""

    def __init__(self, cache_time: Duration | None = None, node: Node | None = None) -> None:
        super().__init__(cache_time)
        self.clock = Clock() if node is None else node.get_clock()
        threshold = JumpThreshold(
            min_forward=None, min_backward=Duration(seconds=-1), on_clock_change=True
        )
        self.jump_handle = self.clock.create_jump_callback(
            threshold, post_callback=self.time_jump_callback
        )

    def time_jump_callback(self, time_jump: TimeJump) -> None:
        """Forget what was before the jump."""
        get_logger('tf2_buffer').warning('Detected jump back in time. Clearing tf buffer.')
        self.clear()

    def lookup_transform(
        self,
        target_frame: str,
        source_frame: str,
        time: Time | TimeMsg,
        timeout: Duration = Duration(),  # noqa: B008
    ) -> TransformStamped:
        """Return `target_T_source` at `time`, waiting up to `timeout` for it.

        Time() stands for the latest time that all links have.

        :raises TransformException: it cannot be had (see `lookup_transform_core`).
        """
        self.can_transform(target_frame, source_frame, time, timeout)
        return self.lookup_transform_core(target_frame, source_frame, time)

    def can_transform(
        self,
        target_frame: str,
        source_frame: str,
        time: Time | TimeMsg,
        timeout: Duration = Duration(),  # noqa: B008
        return_debug_tuple: bool = False,
    ) -> bool | tuple[bool, str]:
        """Say whether the lookup succeeds within `timeout`; on request, also why not."""
        clock = Clock()
        deadline = clock.now() + timeout
        result = self.can_transform_core(target_frame, source_frame, time)
        while not result[0] and clock.now() < deadline:
            sleep(_POLL_S)
            result = self.can_transform_core(target_frame, source_frame, time)
        return result if return_debug_tuple else result[0]
