"""Check of the intrinsics in camera_info against the images.

Wrong intrinsics hardly lower the agreement: a pose off the truth makes up for most of it. What is
left shows in the displacements over the image; see `align.intrinsics`. They are averaged over looks
at images, as a mesh is distorted differently in each view.
"""

from __future__ import annotations

import dataclasses
import threading
from collections import deque

import numpy as np

from mesh_reloc_ros.align.alignment import Alignment, Disturbance
from mesh_reloc_ros.align.disturbed import undisturbed
from mesh_reloc_ros.align.focus import focus
from mesh_reloc_ros.align.intrinsics import (
    SIZE,
    IntrinsicsEstimate,
    corrected,
    estimate_intrinsics,
    widely,
)
from mesh_reloc_ros.align.pyramid import image_pyramid
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.config.tracking import TrackingSettings
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.track._result import Rejected
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.estimate import Rejection
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.pose import distance

# Displacements are measured at the coarsest level whose shorter side is not below this.
_SHORTER_SIDE_PX, _LEVELS = 120, 2
# Steps of the estimate in the first look, and in those that start from the mean.
_FIRST_STEPS, _STEPS = 8, 1
# From the given intrinsics, such looks find errors that are smaller than this.
_FAR_START = 0.03
# Time between the first few looks, and later. A look takes a tenth of a second.
_FIRST_PERIOD_S, _FIRST_LOOKS, _PERIOD_S = 0.5, 4, 2.0
# Meshes are distorted at large, which a view takes for an error of the intrinsics: 1 sigma.
_DISTORTED = np.array([0.012, 0.02, 0.02])
# A view is another one after this motion, as a share of the depth, or in radians.
_OTHER_SHARE, _OTHER_ANGLE = 0.15, 0.2
# An error counts if it is more than so many standard deviations, and if so much less is missing
# from full agreement without it, as a logarithm. The gain of single looks with right intrinsics is
# -0.01 in the median and 0.08 at most (114 of a kitchen and small parts of it, a painted room, a
# fountain and a castle, also with blur, noise, light and occlusion), and none passes both. With
# focal lengths 5 % or principal points 7 % off it is 0.13 in the kitchen, 0.8 in the room, 0.1 in
# the fountain, and in all but the small parts 85 % pass. A wall agrees as well with a wrong focal
# length: an error counts in any case if it is at a Mahalanobis distance, by the covariance of one
# view, of more than the last. It is 0.1 to 7 with right intrinsics (67 looks in the kitchen, the
# fountain and the castle), 13 to 20 in kitchen and room with focal lengths 20 % off. It does not
# count if images agree less with it: defocused images of a kitchen and a room are at 14.5 and 18.1,
# with gains of -0.055 and -0.096. With focal lengths 20 % off, over ten scenes, the gain of
# distances above 10 is at least 0.036.
_SIGMAS, _LEAST_GAIN, _FAR, _LEAST_FAR_GAIN = 2.0, 0.06, 10.0, -0.03
# If less of the mesh in view is seen, it tells little of the intrinsics.
_LEAST_VISIBLE = 0.5
# Number of looks that count.
_MEMORY = 12


@dataclasses.dataclass(frozen=True)
class _Look:
    """One image's evidence."""

    estimate: IntrinsicsEstimate
    map_T_camera: Array
    distance: float
    """Metres, median depth."""


class CalibrationCheck:
    """Gathers evidence on the intrinsics, look by look. Safe to call from any thread."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._lock = threading.Lock()
        self._camera: Camera | None = None
        self._last_ns = 0
        self._looks: deque[_Look] = deque(maxlen=_MEMORY)
        self._mean: Array = np.zeros(SIZE)
        self._is_significant = False

    def forget(self) -> None:
        """Drop the evidence."""
        with self._lock:
            self._clear()

    def is_due(self, stamp_ns: int) -> bool:
        """Whether it is time for another look, or time went back."""
        with self._lock:
            period_s = _FIRST_PERIOD_S if len(self._looks) < _FIRST_LOOKS else _PERIOD_S
            return not 0 <= stamp_ns - self._last_ns < period_s * 1e9

    def look(self, frame: Frame, alignment: Alignment, settings: AlignmentSettings) -> None:
        """Take a frame with its aligned pose into account, unless little of it can be compared."""
        is_overexposed = alignment.disturbance is Disturbance.OVEREXPOSURE
        if is_overexposed or alignment.visible < _LEAST_VISIBLE:
            return
        with self._lock:
            self._last_ns = frame.stamp_ns
            if frame.camera != self._camera:
                self._camera = frame.camera
                self._clear()
            starts, steps = self._starts()
        part = focus(self._scene, frame, alignment.pose)
        settings = dataclasses.replace(
            settings,
            finest_level=max(settings.finest_level, part.camera.coarsest_level(_SHORTER_SIDE_PX)),
            levels=_LEVELS,
        )
        grey = bool(frame.is_grey)
        pyramid = image_pyramid(part.image, part.camera)
        pyramid = undisturbed(self._scene, pyramid, alignment, grey=grey)
        estimate = estimate_intrinsics(
            self._scene, pyramid, alignment, settings, starts, steps, grey=grey
        )
        if estimate is not None:
            with self._lock:
                self._looks.append(_Look(estimate, alignment.pose, float(alignment.distance[0])))
                self._mean, covariance = _mean(self._looks)
                self._is_significant = _is_significant(self._looks, self._mean, covariance)

    def _starts(self) -> tuple[list[Array], int]:
        """Return the errors [SIZE] that the next look starts from, and its steps.

        A mean that is far off may come from a single bad look: the given intrinsics are tried, too.
        """
        if not self._looks:
            return widely(self._mean), _FIRST_STEPS
        is_off = np.abs(self._mean).max() > _FAR_START
        return [self._mean, np.zeros(SIZE)] if is_off else [self._mean], _STEPS

    def check(self, camera: Camera, settings: TrackingSettings) -> Rejected | None:
        """Return why poses with this camera's intrinsics are rejected, or None."""
        error = self.error(camera)
        limits = np.array([settings.max_focal_error, *2 * (settings.max_principal_point_error,)])
        if (np.abs(error) <= limits).all():
            return None
        right = corrected(camera, error)
        remedies = []
        if abs(error[0]) > limits[0]:
            remedies.append(f'a focal length of about {right.fx:.0f} px, not {camera.fx:.0f}')
        if (np.abs(error[1:]) > limits[1:]).any():
            remedies.append(
                f'a principal point of about ({right.cx:.0f}, {right.cy:.0f}),'
                f' not ({camera.cx:.0f}, {camera.cy:.0f})'
            )
        return Rejected(
            Rejection.CALIBRATION,
            'the calibration in camera_info does not fit the images: '
            + f'{" and ".join(remedies)} would',
        )

    def error(self, camera: Camera) -> Array:
        """Return the error of a camera's intrinsics [SIZE]; 0 without significant evidence."""
        with self._lock:
            counts = camera == self._camera and self._is_significant
            return self._mean if counts else np.zeros(SIZE)

    def _clear(self) -> None:
        self._looks.clear()
        self._mean, self._is_significant = np.zeros(SIZE), False


def _mean(looks: deque[_Look]) -> tuple[Array, Array]:
    """Return the mean of looks [SIZE], and the covariance of one of them [SIZE, SIZE]."""
    distorted = np.diag(_DISTORTED**2)
    precisions = [
        np.linalg.inv(np.linalg.inv(look.estimate.information) + distorted) for look in looks
    ]
    pulls = [
        precision @ look.estimate.error for precision, look in zip(precisions, looks, strict=True)
    ]
    mean_precision = np.mean(precisions, axis=0)
    mean = np.linalg.solve(mean_precision, np.mean(pulls, axis=0))
    return mean, np.linalg.inv(mean_precision)


def _is_significant(looks: deque[_Look], mean: Array, covariance: Array) -> bool:
    """Whether the mean of looks [SIZE] is an error; see `_SIGMAS`.

    :param covariance: [SIZE, SIZE], of one look.
    """
    deviations = np.sqrt(np.diag(covariance) / _count_views(looks))
    gain = float(np.mean([look.estimate.gain for look in looks]))
    is_gained = gain > _LEAST_GAIN and bool((np.abs(mean) > _SIGMAS * deviations).any())
    is_far = bool(mean @ np.linalg.solve(covariance, mean) > _FAR**2)
    return is_gained or (is_far and gain > _LEAST_FAR_GAIN)


def _count_views(looks: deque[_Look]) -> int:
    """Return how many of the looks are from views of their own."""
    views: list[_Look] = []
    for look in looks:
        if all(_is_other(look, view) for view in views):
            views.append(look)
    return len(views)


def _is_other(look: _Look, view: _Look) -> bool:
    metres, radians = distance(look.map_T_camera, view.map_T_camera)
    return metres > _OTHER_SHARE * view.distance or radians > _OTHER_ANGLE
