"""What the tracker begins with: poses given by parameter, by message or by service, or a search."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.types.pose import pose_to_numbers

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Start:
    """What the tracker is to begin with."""

    map_T_camera: Array | None
    """[4, 4], metres; None: nothing is known, the camera is searched for."""
    covariance: Array | None = None
    """[6, 6] in the ROS order x y z rx ry rz about the map's axes; None: as usual."""
    name: str = 'the start pose'
    """What it is called to the user."""

    def numbers(self) -> list[float]:
        """Return `x y z qx qy qz qw` as users write them; nothing where nothing is known."""
        return [] if self.map_T_camera is None else pose_to_numbers(self.map_T_camera).tolist()


ANYWHERE = Start(None, name='a search of the whole mesh')


class InitialPoseQueue:
    """The start, the last trusted pose, and what the tracker is to begin with next.

    Requests come from the executor's thread; the worker takes them before its next image.
    """

    def __init__(self, given: Start | None, can_search: bool) -> None:
        """Start with what is `given`, else with a search where that is possible.

        :param can_search: whether the tracker can do without a start pose.
        """
        self._lock = threading.Lock()
        self._can_search = can_search
        self._given = given
        self._trusted: Start | None = None
        self._requested: Start | None = None
        self._is_asked_for = False
        self._may_suggest = True
        self.begin_again()

    def change(self, given: Start | None) -> None:
        """Have `reset` come back to another start."""
        with self._lock:
            self._given = given

    def give(self, start: Start) -> None:
        """Start at a pose that the user gave, and come back to it on reset."""
        with self._lock:
            self._given = self._requested = start
            self._trusted = None
            self._is_asked_for = True

    def suggest(self, start: Start) -> None:
        """Start at a pose for once, unless a user's start is looked for or one was suggested.

        A pose that is trusted ends either.
        """
        with self._lock:
            if self._requested is None and not self._is_asked_for and self._may_suggest:
                self._requested = start
                self._may_suggest = False

    def trust(self, map_T_camera: Array) -> None:
        """Remember a pose [4, 4] that was published."""
        with self._lock:
            # The image in work when a start was asked for is of the time before.
            if self._requested is None:
                self._trusted = Start(map_T_camera, name='the last trusted pose')
                self._is_asked_for, self._may_suggest = False, True

    def reset(self) -> str:
        """Forget all trusted poses and ask for a start as at the beginning; see `relocalize`."""
        with self._lock:
            self._trusted = None
            self._is_asked_for = True
            return self.__request(self._given)

    def begin_again(self, start: Start | None = None) -> str:
        """Ask for a start without a user's wish, where none is given as `reset` does."""
        with self._lock:
            self._trusted = None
            self._is_asked_for, self._may_suggest = False, True
            return self.__request(start or self._given)

    def relocalize(self) -> str:
        """Ask for a search, or where none is possible for the last trusted pose or start pose.

        :returns: what the tracker will begin with, '' where there is nothing.
        """
        with self._lock:
            self._is_asked_for = True
            return self.__request(None if self._can_search else self.__latest())

    def resume(self) -> str:
        """Ask for a start where the camera was last, unless another was asked for; see `reset`."""
        with self._lock:
            return self.__request(self._requested or self.__latest())

    def take(self) -> Start | None:
        """Return what was asked for once, None where nothing was."""
        with self._lock:
            requested, self._requested = self._requested, None
            return requested

    @property
    def latest(self) -> Array | None:
        """The last trusted pose, else the start pose, [4, 4]; None where there is neither."""
        with self._lock:
            latest = self.__latest()
            return None if latest is None else latest.map_T_camera

    def __latest(self) -> Start | None:
        return self._trusted or self._given

    def __request(self, start: Start | None) -> str:
        if start is None and self._can_search:
            start = ANYWHERE
        if start is not None:
            self._requested = start
        return '' if start is None else start.name
