"""From images to poses: predict, align, judge, update; search where there is nothing to go by."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.render.grey import with_colour_mode
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.stopwatch import Stopwatch, stage
from mesh_reloc_ros.track.motion_filter import MotionFilter
from mesh_reloc_ros.track.motion_hypotheses import MotionHypotheses
from mesh_reloc_ros.track.pose_validator import PoseValidator
from mesh_reloc_ros.track.prediction import (
    begins_anew,
    change,
    motion_at,
    motion_from,
    predicted,
    update,
)
from mesh_reloc_ros.track.quality import AlignmentQuality, Repetition
from mesh_reloc_ros.track.replay import replay_to_latest
from mesh_reloc_ros.track.scheduler import AlignmentScheduler
from mesh_reloc_ros.track.search import Search
from mesh_reloc_ros.track.tracking_result import TrackingResult
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.estimate import PoseEstimate, State
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.initial_pose import InitialPose

# Smaller images have too few pixels to be aligned.
_MIN_WIDTH, _MIN_HEIGHT = 40, 30
# The next image is expected after the interval between the last two, but not later than this.
_LONGEST_LOOK_S = 0.2


class Tracker:
    """Follows a camera through a scene, image by image, from a start pose or from nothing."""

    def __init__(self, scene: Scene, settings: Settings, search: Search | None = None) -> None:
        """Make a tracker that needs `start_at`, or a search."""
        self.state = State.INITIALIZING
        self._settings = settings
        # Of the last image that showed it.
        self._is_grey = False
        self._effort = AlignmentScheduler(scene, settings)
        self._judge = PoseValidator(scene, settings)
        self._other_ways = MotionHypotheses(scene, settings)
        self._search = search
        self._restart(None)

    def _restart(self, start: InitialPose | None, *, hint_first: bool = True) -> None:
        """Forget the past, but where the camera may be."""
        self.state = State.INITIALIZING
        # Until a pose is trusted the start pose, then where the camera was last seen.
        self._start = start
        self._motion: MotionFilter | None = None
        self._other_ways.forget()
        self._judge.forget()
        self._repetition = Repetition(self._settings.tracking)
        self._newest: tuple[Frame, Alignment] | None = None
        self._exposure: Tensor | None = None
        self._camera: Camera | None = None
        self._distrusted = 0
        self._last_ns: int | None = None
        # The first image's stamp until a pose is trusted.
        self._trusted_ns = 0
        self._effort.forget()
        self._expected: tuple[Camera, NDArray[np.float64], bool] | None = None
        if self._search is not None:
            self._search.reset(hint_first=start is not None and hint_first)

    def start_at(
        self, map_T_camera: NDArray[np.float64], covariance: NDArray[np.float64] | None = None
    ) -> None:
        """Forget the past and look for the camera at a pose [4, 4], metres.

        :param covariance: [6, 6] in the ROS order x y z rx ry rz (m, rad), about the map's fixed
            axes: how far off the pose may be; None: as far as a usual guess.
        :raises InputError: the pose is not a finite 4x4 matrix, or the covariance cannot be one.
        """
        pose = np.array(map_T_camera, dtype=np.float64)
        spread = None if covariance is None else np.array(covariance, dtype=np.float64)
        self._restart(InitialPose(pose, spread))

    def start_anywhere(self) -> None:
        """Forget the past and search for the camera."""
        self._restart(None)

    def change(self, settings: Settings) -> None:
        """Take over new settings of tracking and alignment between two images; the track goes on.

        Device, rasterizer, solver and all others stay as they are.
        """
        before = self._settings
        after = dataclasses.replace(
            before, tracking=settings.tracking, alignment=settings.alignment
        )
        self._settings = after
        self._judge.change(after)
        self._repetition.change(after.tracking)
        if after.alignment != before.alignment:
            self._effort.change(after)
        self._other_ways.change(after)
        if self._motion is not None:
            change(self._motion, after.tracking)

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
        with Stopwatch() as stopwatch:
            self._keep_time(frame)
            self._expected = None
            frame = with_colour_mode(frame, self._is_grey)
            self._is_grey = bool(frame.is_grey)
            repeated = self._repetition.doubts(
                frame, np.zeros(6) if self._motion is None else self._motion.velocity
            )
            attempt = self._followed(frame, repeated)
            if attempt.doubt:
                self._distrust(frame.stamp_ns)
                if self._search is not None and not repeated and self.state.is_searching:
                    attempt = self._searched(self._search, frame) or attempt
            if not attempt.doubt and not attempt.is_late and attempt.motion and attempt.alignment:
                self._trust(frame, attempt.motion, attempt.alignment)
        return attempt.estimate(frame, self.state, stopwatch.milliseconds())

    def look_ahead(self) -> None:
        """Render for the next image, and now and then check the camera, until that image comes.

        It may run on a thread of its own, beside `track`.
        """
        expected, newest = self._expected, self._newest
        if expected is not None:
            camera, pose, grey = expected
            self._effort.look_ahead(camera, pose, grey=grey)
        if expected is not None and newest is not None:
            self._judge.check_camera(*newest)

    def _keep_time(self, frame: Frame) -> None:
        """Begin anew where the time of the images has jumped."""
        if self._last_ns is not None and begins_anew(frame, self._last_ns, self._settings.tracking):
            self._begin_anew(frame)
        if self._last_ns is None:
            self._trusted_ns = self._last_ns = frame.stamp_ns
        self._last_ns = max(self._last_ns, frame.stamp_ns)

    def _begin_anew(self, frame: Frame) -> None:
        """Forget all but where the camera was last, or is by odometry: a place to look at."""
        start, motion, was_trusted = self._start, self._motion, self._camera is not None
        if motion is None or start is None:
            self._restart(start)
            return
        by_odometry = motion.pose_by_odometry(frame.stamp_ns, frame.odom_T_camera)
        pose = motion.map_T_camera if by_odometry is None else by_odometry
        self._restart(
            InitialPose(pose, start.covariance),
            # Of another time, the last pose is as good as any.
            hint_first=by_odometry is not None or not was_trusted,
        )

    def _followed(self, frame: Frame, repeated: str) -> TrackingResult:
        """Align an image from where the camera is expected, and judge the pose."""
        settings = self._settings.tracking
        if self._motion is None and self._start is not None:
            self._motion = motion_from(self._start, frame, settings)
        if self._motion is None:
            return TrackingResult('the camera is searched for')
        jumped = self._other_ways.take_jumped()
        prediction = predicted(self._motion, frame, self._trusted_ns, settings)
        motion, is_late = prediction.motion, prediction.is_late
        if not is_late:
            self._motion = motion
        goes_on = (
            self.state is State.TRACKING and prediction.is_recent and frame.camera == self._camera
        )
        alignment = self._aligned(frame, motion)
        if repeated:
            return TrackingResult(repeated, motion, alignment, is_late)
        attempt = self._judged(frame, motion, alignment, not goes_on)
        if is_late:
            return dataclasses.replace(attempt, is_late=True)
        return self._otherwise(frame, jumped) or attempt if attempt.doubt else attempt

    def _otherwise(self, frame: Frame, jumped: MotionFilter | None) -> TrackingResult | None:
        """Align a doubtful image by other ways that the motion may have gone."""
        for motion, alignment in self._other_ways.tries(
            frame,
            jumped,
            self._trusted_ns,
            self._exposure,
            self._effort,
            self._is_poor,
        ):
            attempt = self._judged(frame, motion, alignment, True)
            if not attempt.doubt:
                return attempt
        return None

    def _judged(
        self,
        frame: Frame,
        motion: MotionFilter,
        alignment: Alignment,
        entering: bool,
    ) -> TrackingResult:
        verdict = self._judge.judged(frame, motion, alignment, self.state, entering=entering)
        if verdict.has_jumped:
            self._other_ways.jump(frame, alignment)
        return TrackingResult(verdict.doubt, motion, alignment)

    def _searched(self, search: Search, frame: Frame) -> TrackingResult | None:
        """Offer an image to the search; return where it was taken, if that has been found."""
        near, settings = None, self._settings.tracking
        if self._motion is not None and self._start is not None:
            near = InitialPose(self._motion.map_T_camera, self._start.covariance)
        with stage('search'):
            found = search.offer(frame, near, settings.search_period)
        if found is None:
            return None
        newest = replay_to_latest(found, frame, self._effort, self._judge, settings)
        return None if newest is None else self._judged(frame, *newest, True)

    def _aligned(self, frame: Frame, motion: MotionFilter) -> Alignment:
        """Align from the prediction, with as much effort as it takes."""
        pose, exposure = motion.map_T_camera, self._exposure
        if self.state is State.INITIALIZING and (self._search is None or not self._distrusted):
            return self._effort.align(frame, pose, exposure, wide=True)
        return self._effort.align_as_needed(frame, pose, exposure, self._is_poor)

    def _is_poor(self, signs: AlignmentQuality) -> bool:
        """Whether a quick alignment is so poor that a thorough one may be better."""
        if self.state is not State.LOST:
            return self._judge.is_poor(signs)
        # A search looks farther than a thorough alignment does.
        return self._search is None and not self._judge.would_enter(signs)

    def _trust(self, frame: Frame, motion: MotionFilter, alignment: Alignment) -> None:
        """Go on from a trusted pose.

        :param motion: the motion so far, predicted to the image.
        """
        if self.state.is_searching:
            # What was expected there does not tell how the camera moves.
            motion = motion_at(frame, alignment, self._settings.tracking)
        else:
            update(motion, alignment)
        passed_s = (frame.stamp_ns - self._trusted_ns) * 1e-9
        expected = motion.extrapolated(min(max(passed_s, 0.0), _LONGEST_LOOK_S))
        self._expected = frame.camera, expected, bool(frame.is_grey)
        self._newest = frame, alignment
        self._motion = motion
        self._other_ways.trust(frame, motion)
        self._start = InitialPose(motion.map_T_camera)
        self._judge.learn(alignment)
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
