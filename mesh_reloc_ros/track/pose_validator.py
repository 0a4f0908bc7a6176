"""Whether an aligned pose is to be trusted: all that is asked of it, in the order of its cost."""

from __future__ import annotations

from dataclasses import dataclass

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.stopwatch import stage
from mesh_reloc_ros.track.focal_check import FocalCheck
from mesh_reloc_ros.track.motion_filter import MotionFilter
from mesh_reloc_ros.track.quality import AlignmentQuality, QualityGate
from mesh_reloc_ros.track.second_look import SecondLook, median_depth
from mesh_reloc_ros.track.tracking_result import is_finite
from mesh_reloc_ros.types.estimate import State
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.pose import distance

# An alignment that ends so far from where it began, as a share of the distance and in radians, may
# have been drawn there by a render of the wrong place. Images 33 ms apart stay below half of it.
_FAR_SHARE, _FAR_ANGLE = 0.04, 0.06
# Time from one check of the camera to the next.
_CHECK_PERIOD_S = 0.5
# While a pose passes only narrowly, time from one second look to the next.
_SECOND_LOOK_PERIOD_S = 0.3


@dataclass(frozen=True)
class Verdict:
    """What is held against a pose."""

    doubt: str
    """In one line; empty where there is nothing."""
    has_jumped: bool = False
    """Only the motion so far: the camera may have been moved, and the next image will tell."""


class PoseValidator:
    """Judges aligned poses, by what trusted ones were like."""

    def __init__(self, scene: Scene, settings: Settings) -> None:
        self._scene = scene
        self._settings = settings
        self._second_look = SecondLook(scene, settings)
        self._focal_check = FocalCheck(scene, settings)
        self.forget()

    def forget(self) -> None:
        """Forget what poses were like."""
        self._health = QualityGate(self._settings.tracking)
        self._focal_check.forget()
        self._checked_ns = self._looked_ns = 0

    def change(self, settings: Settings) -> None:
        """PoseValidator by other settings, and by the same poses as before."""
        self._settings = settings
        self._health.change(settings.tracking)
        self._second_look = SecondLook(self._scene, settings)
        self._focal_check.change(settings)

    def judged(
        self,
        frame: Frame,
        motion: MotionFilter,
        alignment: Alignment,
        state: State,
        *,
        entering: bool,
    ) -> Verdict:
        """PoseValidator an aligned pose.

        :param motion: the motion so far, predicted to the image.
        :param state: before this image.
        :param entering: the pose does not simply go on from a trusted one shortly before.
        """
        if not is_finite(alignment):
            return Verdict('the image shows too little of the mesh to be aligned')
        signs = AlignmentQuality.of(alignment)
        doubt = self._health.doubts(signs, entering)
        if doubt:
            return Verdict(doubt)
        narrowly = bool(self._health.doubts(signs, entering=True))
        # Of a start pose, and of one left long ago, motion says nothing.
        if state in (State.TRACKING, State.UNSURE):
            pose, covariance = alignment.map_T_camera[0].numpy(), alignment.covariance[0].numpy()
            innovation_distance = motion.innovation_distance(pose, covariance)
            doubt = self._health.doubts_of_motion(innovation_distance)
            if doubt:
                return Verdict(doubt, has_jumped=not narrowly)
            narrowly = narrowly and _is_due(frame, self._looked_ns, _SECOND_LOOK_PERIOD_S)
            narrowly = narrowly or self._health.is_surprising(innovation_distance)
        if entering or narrowly:
            # Something has changed: what the camera was like before does not count.
            forget = state is State.TRACKING
            doubt = self._doubt_of_second_look(frame, alignment, forget)
        elif self._is_far(frame, motion, alignment):
            doubt = self._doubt_of_second_look(frame, alignment, False)
        return Verdict(doubt or self._focal_check.doubts(frame.camera))

    def would_enter(self, signs: AlignmentQuality) -> bool:
        """Whether a pose has the signs that trust takes to begin."""
        return not self._health.doubts(signs, entering=True)

    def is_poor(self, signs: AlignmentQuality) -> bool:
        """Whether an alignment falls short of those before, so that another try may be better."""
        return self._health.is_poor(signs)

    def learn(self, alignment: Alignment) -> None:
        """Take a trusted pose into account."""
        self._health.learn(AlignmentQuality.of(alignment))

    def check_camera(self, frame: Frame, alignment: Alignment) -> None:
        """Check the camera by a trusted pose, now and then.

        It may run on a thread of its own, beside all else.
        """
        if not _is_due(frame, self._checked_ns, _CHECK_PERIOD_S):
            return
        self._checked_ns = frame.stamp_ns
        self._focal_check.look(frame, alignment, self._depth(frame, alignment))

    def _is_far(self, frame: Frame, motion: MotionFilter, alignment: Alignment) -> bool:
        """Whether a pose is far from where it was expected, for an alignment."""
        metres, radians = distance(motion.map_T_camera, alignment.map_T_camera[0].numpy())
        if radians > _FAR_ANGLE:
            return True
        # What is within a second look's tolerance needs none, and the depth takes a render.
        is_tolerable = metres <= self._settings.tracking.max_realignment_distance
        return not is_tolerable and metres > _FAR_SHARE * self._depth(frame, alignment)

    def _depth(self, frame: Frame, alignment: Alignment) -> float:
        return median_depth(self._scene, alignment.map_T_camera[0].numpy(), frame.camera)

    def _doubt_of_second_look(self, frame: Frame, alignment: Alignment, forget: bool) -> str:
        """Align anew from another start, and check the camera.

        :param forget: what was known of the camera.
        """
        with stage('second look'):
            depth = self._depth(frame, alignment)
            doubt = self._second_look.doubts(frame, alignment, depth)
            self._looked_ns = frame.stamp_ns
            if doubt:
                return doubt
            if forget:
                self._focal_check.forget()
            self._focal_check.look(frame, alignment, depth)
            self._checked_ns = frame.stamp_ns
        return ''


def _is_due(frame: Frame, last_ns: int, period_s: float) -> bool:
    """Whether so much time has passed by the stamps; time that went back has begun anew."""
    return not 0 <= frame.stamp_ns - last_ns < period_s * 1e9
