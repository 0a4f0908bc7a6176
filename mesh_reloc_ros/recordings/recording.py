"""What a recording offers, whatever its format."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Protocol

from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.trajectory import Trajectory


class Recording(Protocol):
    """Images of one camera on disk, in the order of recording; a context manager."""

    def __enter__(self) -> Recording:
        """Return the recording itself."""
        ...

    def __exit__(self, *error: object) -> None:
        """Close the files."""
        ...

    def __len__(self) -> int:
        """Return the number of images in the whole recording."""
        ...

    def frames(self, start_s: float = 0.0, end_s: float = math.inf) -> Iterator[Frame]:
        """Yield the images from `start_s` to `end_s` seconds after the beginning.

        :raises InputError: an image or its camera cannot be used.
        """
        ...

    def ground_truth(self) -> Trajectory | None:
        """Return recorded poses of the camera in the map; None if there are none.

        :raises InputError: a pose is not one.
        """
        ...
