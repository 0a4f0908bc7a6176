"""Where tracking starts: poses given by parameter, message or program, or a global search."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.types.initial_pose import InitialPose


@dataclass(frozen=True)
class Initialization:
    """How tracking starts: at a pose, or with a search of the whole mesh."""

    pose: InitialPose | None
    """None: search the whole mesh."""
    name: str = 'the initial pose'
    """How messages call it."""


GLOBAL_SEARCH = Initialization(None, name='a search of the whole mesh')


class InitialPoseQueue:
    """Holds the initial pose, the last trusted pose, and the next requested initialization.

    Users request on any thread; the tracking thread takes the request before its next image.
    """

    def __init__(self, given: Initialization | None, can_search: bool) -> None:
        """Request the given initialization, or else a search if that is possible.

        :param can_search: whether the tracker can search the whole mesh.
        """
        self._lock = threading.Lock()
        self._can_search = can_search
        self._given = given
        self._trusted: Initialization | None = None
        self._requested: Initialization | None = None
        self._is_users_request = False
        self._may_suggest = True
        self.begin_again()

    def change(self, given: Initialization | None) -> None:
        """Set what `reset` and `begin_again` return to, without a request."""
        with self._lock:
            self._given = given

    def give(self, initialization: Initialization) -> None:
        """Request a user's initialization, and return to it on `reset`."""
        with self._lock:
            self._given = self._requested = initialization
            self._trusted = None
            self._is_users_request = True

    def suggest(self, initialization: Initialization) -> None:
        """Request an initialization once, unless a user's request is pending or was not successful.

        A trusted pose allows the next suggestion.
        """
        with self._lock:
            if self._requested is None and not self._is_users_request and self._may_suggest:
                self._requested = initialization
                self._may_suggest = False

    def trust(self, map_T_camera: NDArray[np.float64]) -> None:
        """Remember a trusted pose [4, 4]."""
        with self._lock:
            # With a request pending, this pose belongs to an image before it.
            if self._requested is None:
                self._trusted = Initialization(InitialPose(map_T_camera), 'the last trusted pose')
                self._is_users_request, self._may_suggest = False, True

    def reset(self) -> str:
        """Forget the trusted pose and request the given initialization; see `relocalize`."""
        with self._lock:
            self._trusted = None
            self._is_users_request = True
            return self.__request(self._given)

    def begin_again(self, initialization: Initialization | None = None) -> str:
        """Request an initialization, by default the given one, but not as a user's request."""
        with self._lock:
            self._trusted = None
            self._is_users_request, self._may_suggest = False, True
            return self.__request(initialization or self._given)

    def relocalize(self) -> str:
        """Request a search; the last trusted or the given pose if the tracker cannot search.

        :returns: what the tracker will start from, '' if there is nothing.
        """
        with self._lock:
            self._is_users_request = True
            return self.__request(None if self._can_search else self.__latest())

    def resume(self) -> str:
        """Request the last trusted or the given pose, unless a request is pending; see `reset`."""
        with self._lock:
            return self.__request(self._requested or self.__latest())

    def take(self) -> Initialization | None:
        """Return the pending request once; None if there is none."""
        with self._lock:
            requested, self._requested = self._requested, None
            return requested

    @property
    def latest(self) -> NDArray[np.float64] | None:
        """The last trusted pose, else the given one, [4, 4]; None if there is neither."""
        with self._lock:
            latest = self.__latest()
            return None if latest is None or latest.pose is None else latest.pose.map_T_camera

    @property
    def pending(self) -> str:
        """What the tracker starts from with the next image, '' if it goes on."""
        with self._lock:
            return '' if self._requested is None else self._requested.name

    def __latest(self) -> Initialization | None:
        return self._trusted or self._given

    def __request(self, initialization: Initialization | None) -> str:
        if initialization is None and self._can_search:
            initialization = GLOBAL_SEARCH
        if initialization is not None:
            self._requested = initialization
        return '' if initialization is None else initialization.name
