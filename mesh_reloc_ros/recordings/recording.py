"""A recording of any format, as a sequence of frames."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TypeVar

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.recordings._left_out import LeftOut
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.trajectory import Trajectory

Self = TypeVar('Self', bound='Recording')


class Recording(ABC):
    """The images of one camera in their order; a context manager.

    An image that cannot be used ends nothing: it is left out and counted.
    """

    def __init__(self, name: str) -> None:
        """Begin unread.

        :param name: what it is called in messages, as `bag drive`.
        """
        self.name = name
        self._files = ExitStack()
        self.left_out = LeftOut()
        """What the last call of `frames` has left out so far."""
        self.notices: list[str] = []
        """What users should know of the recording, a line each."""
        self.odometry_problem = ''
        """How many of the frames lack odometry that was asked for, and why; '' if none."""

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of images, used or not; an estimate, where a video does not say."""

    def frames(self, start_s: float = 0.0, end_s: float = math.inf) -> Iterator[Frame]:
        """Yield the images from `start_s` to `end_s` seconds after the recording's beginning.

        :raises InputError: there are images in this span, and none can be used.
        """
        self.left_out.clear()
        is_empty = True
        for frame in self._frames(start_s, end_s):
            is_empty = False
            yield frame
        if is_empty and self.left_out.first_reason:
            raise InputError(
                f'{self.name}: none of its images can be used: {self.left_out.first_reason}'
            )

    @abstractmethod
    def _frames(self, start_s: float, end_s: float) -> Iterator[Frame]:
        """Yield the usable images of a span, and count the others in `left_out`."""

    def ground_truth(self) -> Trajectory | None:
        """Return the true poses that were recorded with the images; None if there are none.

        :raises InputError: a pose is not one.
        """
        return None

    def close(self) -> None:
        """Close the files."""
        self._files.close()
