"""The end of the process: on request at any time, and at once."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from mesh_reloc_ros.files import discard_unfinished

# For the orderly end, and for what must be done otherwise.
_PATIENCE_S, _LAST_S = 0.5, 0.2


class Ending:
    """Ctrl-C or SIGTERM, at any time and any number of times.

    rclpy's own handlers would shut the context down while other threads use it.
    """

    def __init__(self) -> None:
        self.requested = threading.Event()
        """Set when the node is to end."""
        self.imports = True
        """Whether libraries are being imported, some of which abort if that is interrupted."""
        self.last: Callable[[], None] | None = None
        """What must be done even if the process ends while it is busy."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.imports:
            os._exit(0)
        if not self.requested.is_set():
            self.requested.set()
            # Compiling and searching take longer than anyone waits, and cannot be interrupted.
            _after(_PATIENCE_S, self._stop)

    def _stop(self) -> None:
        # A disk or a pipe may be stuck.
        _after(_LAST_S, lambda: os._exit(0))
        try:
            if self.last is not None:
                self.last()
        finally:
            end_process(0)


def _after(seconds: float, action: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()


def end_process(status: int) -> NoReturn:
    """End the process without tearing the interpreter down, which takes seconds with torch."""
    discard_unfinished()
    # A pipe may be closed.
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    # The log of ROS is written by C.
    ctypes.CDLL(None).fflush(None)
    os._exit(status)
