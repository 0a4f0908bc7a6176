"""From images to poses: predict, align, judge, update; search where there is nothing to go by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.alignment.alignment import Alignment
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.geometry.camera import Camera
from mesh_reloc_ros.scene.scene import Scene
from mesh_reloc_ros.stopwatch import Stopwatch
from mesh_reloc_ros.tracking.attempt import Attempt, is_finite
from mesh_reloc_ros.tracking.effort import Effort
from mesh_reloc_ros.tracking.focal_check import FocalCheck
from mesh_reloc_ros.tracking.frame import Frame, PoseEstimate, State
from mesh_reloc_ros.tracking.health import Health, Repetition, Signs
from mesh_reloc_ros.tracking.motion_filter import MotionFilter
from mesh_reloc_ros.tracking.prediction import motion_at, motion_from, predicted, update
from mesh_reloc_ros.tracking.search import Found, Search
from mesh_reloc_ros.tracking.second_look import SecondLook, median_depth
from mesh_reloc_ros.tracking.settings import Settings

# Smaller images have too few pixels to be aligned.
_MIN_WIDTH, _MIN_HEIGHT = 40, 30
# The next image is expected after the interval between the last two, but not later than this.
_LONGEST_LOOK_S = 0.2
# Time from one check of the camera to the next.
_CHECK_PERIOD_S = 0.5
# While a pose passes only narrowly, time from one second look to the next.
_SECOND_LOOK_PERIOD_S = 0.3
# In these states nothing tells where the camera is, but a start pose or an old one at best.
_SEARCHING = (State.INITIALIZING, State.LOST)


class Tracker:
    """Follows a camera through a scene, image by image, from a start pose or from nothing."""

    def __init__(self, scene: Scene, settings: Settings, search: Search | None = None) -> None:
        """Make a tracker that needs `start_at`, or a search."""
        self.state = State.INITIALIZING
        self._settings = settings
        self._effort = Effort(scene, settings)
        self._scene = scene
        self._second_look = SecondLook(scene, settings)
        self._focal_check = FocalCheck(scene, settings)
        self._search = search
        self._restart(None)

    def _restart(self, start: NDArray[np.float64] | None) -> None:
        self.state = State.INITIALIZING
        self._start = start
        self._motion: MotionFilter | None = None
        self._jumped: MotionFilter | None = None
        self._health = Health(self._settings.tracking)
        self._repetition = Repetition(self._settings.tracking)
        self._focal_check.forget()
        self._checked_ns = self._looked_ns = 0
        self._newest: tuple[Frame, Alignment] | None = None
        self._exposure: Tensor | None = None
        self._camera: Camera | None = None
        self._distrusted = 0
        # The first image's stamp until a pose is trusted.
        self._trusted_ns, self._past_is_empty = 0, True
        self._effort.forget()
        self._expected: tuple[Camera, NDArray[np.float64]] | None = None
        if self._search is not None:
            self._search.reset(hint_first=start is not None)

    def start_at(self, map_T_camera: NDArray[np.float64]) -> None:
        """Forget the past and look for the camera at a pose [4, 4], metres.

        :raises InputError: the pose is not a finite 4x4 matrix.
        """
        if map_T_camera.shape != (4, 4) or not np.isfinite(map_T_camera).all():
            raise InputError('start pose: not a finite 4x4 matrix')
        self._restart(np.asarray(map_T_camera, dtype=np.float64).copy())

    def start_anywhere(self) -> None:
        """Forget the past and search for the camera."""
        self._restart(None)

    def close(self) -> None:
        """End a search that is under way."""
        if self._search is not None:
            self._search.close()

    def track(self, frame: Frame) -> PoseEstimate:
        """Estimate the pose of an image; stamps may come at any interval.

        :raises InputError: there is neither a start pose nor a search, or the image is too small.
        """
        if self._start is None and self._search is None:
            raise InputError('no start pose: give one before the first image')
        width, height = frame.camera.width, frame.camera.height
        if width < _MIN_WIDTH or height < _MIN_HEIGHT:
            raise InputError(
                f'image of {width}x{height} is too small: at least {_MIN_WIDTH}x{_MIN_HEIGHT}'
            )
        stopwatch = Stopwatch()
        if self._past_is_empty:
            self._trusted_ns, self._past_is_empty = frame.stamp_ns, False
        self._expected = None
        repeated = self._repetition.doubts(
            frame, np.zeros(6) if self._motion is None else self._motion.velocity
        )
        attempt = self._followed(frame, repeated, stopwatch)
        if attempt.doubt:
            self._distrust(frame.stamp_ns)
            if self._search is not None and not repeated and self.state in _SEARCHING:
                attempt = self._searched(self._search, frame, stopwatch) or attempt
        if not attempt.doubt and not attempt.is_late and attempt.motion and attempt.alignment:
            self._trust(frame, attempt.motion, attempt.alignment)
        return attempt.estimate(frame, self.state, stopwatch)

    def look_ahead(self) -> None:
        """Render for the next image, and now and then check the camera, until that image comes.

        It may run on a thread of its own, beside `track`.
        """
        expected, newest = self._expected, self._newest
        if expected is not None:
            self._effort.look_ahead(*expected)
        if expected is not None and newest is not None:
            self._check_camera(*newest)

    def _check_camera(self, frame: Frame, alignment: Alignment) -> None:
        if not _is_due(frame, self._checked_ns, _CHECK_PERIOD_S):
            return
        self._checked_ns = frame.stamp_ns
        depth = median_depth(self._scene, alignment.map_T_camera[0].numpy(), frame.camera)
        self._focal_check.look(frame, alignment, depth)

    def _followed(self, frame: Frame, repeated: str, stopwatch: Stopwatch) -> Attempt:
        """Align an image from where the camera is expected, and judge the pose."""
        if self._motion is None and self._start is not None:
            self._motion = motion_from(self._start, frame.stamp_ns, self._settings.tracking)
        if self._motion is None:
            return Attempt('the camera is searched for')
        jumped, self._jumped = self._jumped, None
        prediction = predicted(
            self._motion, frame.stamp_ns, self._trusted_ns, self._settings.tracking
        )
        motion, is_late = prediction.motion, prediction.is_late
        if not is_late:
            self._motion = motion
        alignment = self._aligned(frame, motion, stopwatch)
        goes_on = (
            self.state is State.TRACKING
            and prediction.is_worth_its_name
            and frame.camera == self._camera
        )
        doubt = repeated or self._doubt(frame, motion, alignment, not goes_on, stopwatch)
        attempt = Attempt(doubt, motion, alignment, is_late)
        if not doubt or repeated or jumped is None or frame.stamp_ns <= jumped.stamp_ns:
            return attempt
        jumped.predict(frame.stamp_ns)
        alignment = self._quick(frame, jumped, self._exposure, stopwatch)
        if self._doubt(frame, jumped, alignment, True, stopwatch):
            return attempt
        return Attempt('', jumped, alignment)

    def _doubt(
        self,
        frame: Frame,
        motion: MotionFilter,
        alignment: Alignment,
        entering: bool,
        stopwatch: Stopwatch,
    ) -> str:
        """Return why an aligned pose is not to be trusted.

        :param motion: the motion so far, predicted to the image.
        :param entering: the pose does not simply go on from a trusted one shortly before.
        """
        if not is_finite(alignment):
            return 'the image shows too little of the mesh to be aligned'
        signs = Signs.of(alignment)
        doubt = self._health.doubts(signs, entering)
        if doubt:
            return doubt
        narrowly = bool(self._health.doubts(signs, entering=True))
        # Of a start pose, and of one left long ago, motion says nothing.
        if self.state in (State.TRACKING, State.UNSURE):
            pose, covariance = alignment.map_T_camera[0].numpy(), alignment.covariance[0].numpy()
            innovation_distance = motion.innovation_distance(pose, covariance)
            doubt = self._health.doubts_of_motion(innovation_distance)
            if doubt:
                # The camera may have been moved elsewhere: the next image will tell.
                if not narrowly:
                    self._jumped = motion_at(frame.stamp_ns, alignment, self._settings.tracking)
                return doubt
            narrowly = narrowly and _is_due(frame, self._looked_ns, _SECOND_LOOK_PERIOD_S)
            narrowly = narrowly or self._health.is_surprising(innovation_distance)
        if entering or narrowly:
            doubt = self._doubt_of_second_look(frame, alignment, stopwatch)
        return doubt or self._focal_check.doubts(frame.camera)

    def _doubt_of_second_look(
        self, frame: Frame, alignment: Alignment, stopwatch: Stopwatch
    ) -> str:
        with stopwatch.stage('second look'):
            depth = median_depth(self._scene, alignment.map_T_camera[0].numpy(), frame.camera)
            doubt = self._second_look.doubts(frame, alignment, depth)
            self._looked_ns = frame.stamp_ns
            if doubt:
                return doubt
            if self.state is State.TRACKING:
                # Something has changed: what the camera was like before does not count.
                self._focal_check.forget()
            self._focal_check.look(frame, alignment, depth)
            self._checked_ns = frame.stamp_ns
        return ''

    def _searched(self, search: Search, frame: Frame, stopwatch: Stopwatch) -> Attempt | None:
        """Offer an image to the search; return where it was taken, if that has been found."""
        with stopwatch.stage('search'):
            near = None if self._motion is None else self._motion.map_T_camera
            found = search.offer(frame, near, self._settings.tracking.search_period)
        return None if found is None else self._caught_up(found, frame, stopwatch)

    def _caught_up(self, found: Found, frame: Frame, stopwatch: Stopwatch) -> Attempt | None:
        """Follow the camera from the image that was located to the newest."""
        located = found.localization.alignment
        exposure = located.exposure
        motion = motion_at(found.frame.stamp_ns, located, self._settings.tracking)
        for image in found.since:
            if motion.stamp_ns < image.stamp_ns < frame.stamp_ns:
                motion.predict(image.stamp_ns)
                alignment = self._quick(image, motion, exposure, stopwatch)
                if is_finite(alignment) and not self._health.doubts(Signs.of(alignment), True):
                    update(motion, alignment)
                    exposure = alignment.exposure
        if frame.stamp_ns < motion.stamp_ns:
            return None
        motion.predict(frame.stamp_ns)
        alignment = self._quick(frame, motion, exposure, stopwatch)
        return Attempt(self._doubt(frame, motion, alignment, True, stopwatch), motion, alignment)

    def _aligned(self, frame: Frame, motion: MotionFilter, stopwatch: Stopwatch) -> Alignment:
        """Align from the prediction, with as much effort as it takes."""
        pose, exposure = motion.map_T_camera, self._exposure
        if self.state is State.INITIALIZING and (self._search is None or not self._distrusted):
            return self._effort.align(frame, pose, exposure, wide=True, stopwatch=stopwatch)
        return self._effort.align_as_needed(frame, pose, exposure, self._is_poor, stopwatch)

    def _is_poor(self, signs: Signs) -> bool:
        """Whether a quick alignment is so poor that a thorough one may be better."""
        if self.state is not State.LOST:
            return self._health.is_poor(signs)
        # A search looks farther than a thorough alignment does.
        return self._search is None and bool(self._health.doubts(signs, entering=True))

    def _quick(
        self, frame: Frame, motion: MotionFilter, exposure: Tensor | None, stopwatch: Stopwatch
    ) -> Alignment:
        pose = motion.map_T_camera
        return self._effort.align(frame, pose, exposure, wide=False, stopwatch=stopwatch)

    def _trust(self, frame: Frame, motion: MotionFilter, alignment: Alignment) -> None:
        """Go on from a trusted pose.

        :param motion: the motion so far, predicted to the image.
        """
        if self.state in _SEARCHING:
            # What was expected there does not tell how the camera moves.
            motion = motion_at(frame.stamp_ns, alignment, self._settings.tracking)
        else:
            update(motion, alignment)
        passed_s = (frame.stamp_ns - self._trusted_ns) * 1e-9
        expected = motion.extrapolated(min(max(passed_s, 0.0), _LONGEST_LOOK_S))
        self._expected = frame.camera, expected
        self._newest = frame, alignment
        self._motion = motion
        self._health.learn(Signs.of(alignment))
        self._exposure = alignment.exposure
        self._camera = frame.camera
        self._distrusted = 0
        self._trusted_ns = frame.stamp_ns
        self.state = State.TRACKING
        if self._search is not None:
            self._search.reset()

    def _distrust(self, stamp_ns: int) -> None:
        settings = self._settings.tracking
        self._distrusted += 1
        is_long = stamp_ns - self._trusted_ns >= settings.lost_after_interval * 1e9
        if self._distrusted >= settings.lost_after or is_long:
            self.state = State.LOST
            self._exposure = None
        elif self.state is State.TRACKING:
            self.state = State.UNSURE


def _is_due(frame: Frame, last_ns: int, period_s: float) -> bool:
    """Whether so much time has passed by the stamps; time that went back has begun anew."""
    return not 0 <= frame.stamp_ns - last_ns < period_s * 1e9
