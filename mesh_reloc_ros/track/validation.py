"""Is an aligned pose right? All checks, in the order of their cost."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from mesh_reloc_ros.align.alignment import Alignment, Disturbance
from mesh_reloc_ros.align.coarse_to_fine import align_lm
from mesh_reloc_ros.align.disturbed import align_disturbed, undisturbed
from mesh_reloc_ros.align.focus import focus
from mesh_reloc_ros.align.pyramid import image_pyramid
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.config.tracking import TrackingSettings
from mesh_reloc_ros.kernels.se3 import exp
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.stopwatch import stage
from mesh_reloc_ros.track._flow_check import FlowCheck
from mesh_reloc_ros.track._motion_filter import MotionFilter
from mesh_reloc_ros.track._result import Rejected
from mesh_reloc_ros.track.calibration_check import CalibrationCheck
from mesh_reloc_ros.track.quality import (
    AlignmentQuality,
    check_innovation,
    check_quality,
    is_poor,
    is_surprising,
    updated_baseline,
)
from mesh_reloc_ros.types.estimate import Rejection, State
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.pose import distance

# An alignment that ends this far from its start, as a share of the depth and in radians, may have
# been misled by a render from a wrong pose. Images 33 ms apart stay below half of it.
_FAR_SHARE, _FAR_ANGLE = 0.04, 0.06
# Beyond this distance, metres, a realignment may end farther away, in proportion; and by this many
# standard deviations of the rotation, if that is more than the limit.
_NEAR, _SIGMAS = 10.0, 3.0
# Time between two realignments while poses pass only narrowly.
_REALIGNMENT_PERIOD_S = 0.3
# Start of a realignment in the camera's frame: shares of the depth, and radians. Both parts move
# the image the same way, by about a twentieth of the width of a usual camera: width over focal
# length. A narrower camera, or a part around a small mesh, is moved by the same share of its span.
_NUDGE = np.array([-0.015, 0.012, 0.02, 0.015, 0.02, 0.03])
_USUAL_WIDTH = 1.2
# An alignment that has not come back in one go may need a render from nearer.
_REALIGNMENTS = 2


class PoseValidator:
    """Checks the poses of one track, also against the poses accepted before.

    `check_calibration` may run beside all else on another thread.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._baseline: AlignmentQuality | None = None
        self._calibration = CalibrationCheck(scene)
        self._flow = FlowCheck(scene)
        self._realigned_ns = 0

    def validate(
        self,
        frame: Frame,
        motion: MotionFilter,
        alignment: Alignment,
        state: State,
        settings: Settings,
        *,
        acquiring: bool,
    ) -> Rejected | None:
        """Return why an aligned pose is rejected, or None.

        :param motion: predicted to the image.
        :param state: before this image.
        :param acquiring: the pose does not simply continue a track.
        """
        if not alignment.is_finite:
            return Rejected(
                Rejection.NOT_ALIGNED, 'the image shows too little of the mesh to be aligned'
            )
        quality, limits = AlignmentQuality.of(alignment), settings.tracking
        rejected = check_quality(quality, self._baseline, limits, acquiring=acquiring)
        if rejected:
            return rejected
        # What is compared was chosen as it agrees.
        is_chosen = alignment.disturbance in (Disturbance.COVER, Disturbance.OVEREXPOSURE)
        is_doubtful = is_chosen or not self.can_acquire(quality, limits)
        # A start pose, or one from long ago, does not predict the motion.
        if not state.is_searching:
            innovation = motion.innovation_distance(alignment.pose, alignment.pose_covariance)
            rejected = check_innovation(innovation, limits)
            if rejected:
                return rejected
            passed_ns = frame.stamp_ns - self._realigned_ns
            is_due = not 0 <= passed_ns < _REALIGNMENT_PERIOD_S * 1e9
            is_doubtful = is_doubtful and is_due
            is_doubtful = is_doubtful or is_surprising(innovation, limits)
        if acquiring or is_doubtful or not alignment.is_converged:
            # If a track is interrupted, the camera may be another one.
            forget = state is State.TRACKING
            rejected = self._check_realignment(frame, alignment, settings, forget=forget)
        elif self._is_far(motion, alignment, limits):
            rejected = self._check_realignment(frame, alignment, settings)
        rejected = rejected or self._calibration.check(frame.camera, limits)
        if not rejected and (acquiring or self._flow.is_due(frame.stamp_ns)):
            with stage('flow'):
                most, scale = _max_metres(quality, limits), settings.alignment.map_error_scale
                rejected = self._flow.check(frame, alignment, most, scale)
        return rejected

    def can_acquire(self, quality: AlignmentQuality, settings: TrackingSettings) -> bool:
        """Whether an alignment passes the stricter limits of a new track."""
        return not check_quality(quality, self._baseline, settings, acquiring=True)

    def is_poor(self, quality: AlignmentQuality) -> bool:
        """Whether an alignment is much worse than those accepted before."""
        return is_poor(quality, self._baseline)

    def learn(self, alignment: Alignment) -> None:
        """Take an accepted alignment into the baseline."""
        quality = AlignmentQuality.of(alignment)
        self._baseline = updated_baseline(self._baseline, quality)

    def check_calibration(self, frame: Frame, alignment: Alignment, settings: Settings) -> None:
        """Gather evidence on the intrinsics from an accepted pose, now and then."""
        if self._calibration.is_due(frame.stamp_ns):
            self._calibration.look(frame, alignment, settings.alignment)

    def _is_far(
        self, motion: MotionFilter, alignment: Alignment, settings: TrackingSettings
    ) -> bool:
        """Whether an alignment has moved the pose far from the prediction."""
        metres, radians = distance(motion.map_T_camera, alignment.pose)
        if radians > _FAR_ANGLE:
            return True
        is_tolerable = metres <= settings.max_realignment_distance
        return not is_tolerable and metres > _FAR_SHARE * float(alignment.distance[0])

    def _check_realignment(
        self, frame: Frame, alignment: Alignment, settings: Settings, *, forget: bool = False
    ) -> Rejected | None:
        """Align from another start; if that leads to the same pose, check the calibration.

        :param forget: drop the evidence on the intrinsics first.
        """
        limits, quality = settings.tracking, AlignmentQuality.of(alignment)
        max_metres = _max_metres(quality, limits)
        max_radians = max(limits.max_realignment_angle, _SIGMAS * quality.rotation_sigma)

        def is_near(metres: float, radians: float) -> bool:
            return metres <= max_metres and radians <= max_radians

        with stage('realignment'):
            metres, radians = realign(self._scene, frame, alignment, settings.alignment, is_near)
            self._realigned_ns = frame.stamp_ns
            if not is_near(metres, radians):
                return Rejected(
                    Rejection.REALIGNMENT,
                    f'an alignment from another start ends {100 * metres:.1f} cm and'
                    f' {np.degrees(radians):.2f} deg away',
                )
            if forget:
                self._calibration.forget()
            self._calibration.look(frame, alignment, settings.alignment)
        return None


def _max_metres(quality: AlignmentQuality, settings: TrackingSettings) -> float:
    """Return how far from a pose another explanation of the image may be."""
    return settings.max_realignment_distance * max(1.0, quality.distance / _NEAR)


def realign(
    scene: Scene,
    frame: Frame,
    alignment: Alignment,
    settings: AlignmentSettings,
    is_near: Callable[[float, float], bool] = lambda metres, radians: False,
) -> tuple[float, float]:
    """Align an image again, from another start with other renders.

    :param is_near: whether a distance, metres and radians, is near enough to end.
    :returns: the distance to the aligned pose in metres and radians.
    """
    part = focus(scene, frame, alignment.pose)
    depth, camera = float(alignment.distance[0]), part.camera
    nudge = _NUDGE * np.array([depth, depth, depth, 1.0, 1.0, 1.0])
    nudge *= min(1.0, camera.span / camera.fx / _USUAL_WIDTH)
    pose, pyramid = alignment.pose @ exp(nudge), image_pyramid(part.image, camera)
    grey = bool(frame.is_grey)
    disturbance = alignment.disturbance
    if disturbance is Disturbance.COVER:
        pyramid = undisturbed(scene, pyramid, alignment, grey=grey)
    for _ in range(_REALIGNMENTS):
        start, exposure, found = torch.from_numpy(pose)[None], alignment.exposure, None
        if disturbance in (Disturbance.OVEREXPOSURE, Disturbance.SHADOWS):
            found = align_disturbed(
                scene, pyramid, start, exposure, settings, disturbance, grey=grey
            )
        if found is None:
            found = align_lm(scene, pyramid, start, exposure, settings, grey=grey)
        pose = found.pose
        metres, radians = distance(alignment.pose, pose)
        if is_near(metres, radians):
            break
    return metres, radians
