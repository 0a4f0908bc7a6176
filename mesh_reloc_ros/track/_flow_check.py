"""Check of poses against the optical flow, which also shows what a rolling shutter does."""

from __future__ import annotations

import numpy as np

from mesh_reloc_ros.align.alignment import Alignment, Disturbance
from mesh_reloc_ros.align.disturbed import undisturbed
from mesh_reloc_ros.align.focus import focus
from mesh_reloc_ros.align.optical_flow import error_by_flow
from mesh_reloc_ros.align.pyramid import image_pyramid
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.track._result import Rejected
from mesh_reloc_ros.types.estimate import Rejection
from mesh_reloc_ros.types.frame import Frame

# Time between two checks, which take some 10 ms. While errors are above this share of the limit,
# every image is checked.
_PERIOD_S, _LARGE = 0.5, 0.3
# An error counts if it is larger than the limit by so many standard deviations. With a rolling
# shutter of 100 ms, 8.4 and 11.6 cm were found for poses of a painted room that were 10.7 and
# 12.1 cm off; a limit of 5 cm. Of 691 poses under other faults, in this room and a kitchen, what is
# left after three deviations is at most 2 cm for poses less than 2 cm off.
_SIGMAS = 3.0


class FlowCheck:
    """Checks the poses of one track: now and then, and each while errors are large."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._checked_ns: int | None = None
        self._large_ns: int | None = None

    def is_due(self, stamp_ns: int) -> bool:
        """Whether an image is to be checked."""

        def is_recent(then_ns: int | None) -> bool:
            return then_ns is not None and 0 <= stamp_ns - then_ns < _PERIOD_S * 1e9

        return is_recent(self._large_ns) or not is_recent(self._checked_ns)

    def check(
        self, frame: Frame, alignment: Alignment, max_metres: float, map_error_scale: float = 1.0
    ) -> Rejected | None:
        """Return why an aligned pose is rejected, or None.

        :param max_metres: largest error of the position. :param map_error_scale: see the settings.
        """
        self._checked_ns = frame.stamp_ns
        # Where colours are clipped, outlines are displaced by light.
        if alignment.disturbance is Disturbance.OVEREXPOSURE:
            return None
        part, grey = focus(self._scene, frame, alignment.pose), bool(frame.is_grey)
        pyramid = image_pyramid(part.image, part.camera)
        pyramid = undisturbed(self._scene, pyramid, alignment, grey=grey)
        found = error_by_flow(
            self._scene, pyramid, alignment.map_T_camera, map_error_scale, grey=grey
        )
        if found is None:
            return None
        error, covariance = found
        metres = float(np.linalg.norm(error[:3]))
        certain = metres - _SIGMAS * float(np.sqrt(np.linalg.eigvalsh(covariance[:3, :3])[-1]))
        if certain > _LARGE * max_metres:
            self._large_ns = frame.stamp_ns
        if certain <= max_metres:
            return None
        return Rejected(
            Rejection.DISPLACED,
            'the optical flow from the render to the image leads to a pose'
            f' {100 * metres:.1f} cm away: a rolling shutter or blur',
        )
