"""Tracks a camera through a scene: predict, align, validate, update; search if that fails."""

from __future__ import annotations

import dataclasses

import numpy as np
from torch import Tensor

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.render.grey import with_colour_mode
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.stopwatch import Stopwatch, stage
from mesh_reloc_ros.track._hypotheses import MotionHypotheses
from mesh_reloc_ros.track._look_ahead import LookAhead
from mesh_reloc_ros.track._motion_filter import MotionFilter
from mesh_reloc_ros.track._possible_places import PossiblePlaces
from mesh_reloc_ros.track._prediction import (
    is_recent,
    motion_from_alignment,
    motion_from_pose,
    predict,
)
from mesh_reloc_ros.track._result import Rejected, TrackingResult
from mesh_reloc_ros.track._scheduler import AlignmentScheduler
from mesh_reloc_ros.track._states import StateMachine
from mesh_reloc_ros.track.quality import AlignmentQuality, FrozenImageDetector, require_size
from mesh_reloc_ros.track.search import Search
from mesh_reloc_ros.track.validation import PoseValidator
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.estimate import PoseEstimate, Rejection, State
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.initial_pose import InitialPose

# The next image is expected after the interval between the last two, but not later than this.
_LONGEST_AHEAD_S = 0.2
_SEARCHING = Rejected(Rejection.SEARCHING, 'searching for the camera')


class Tracker:
    """Tracks a camera through a scene, image by image, from a start pose or by a search.

    One thread calls all methods, except for `look_ahead`, which a second thread may call, and
    `close`, which any thread may call.
    """

    def __init__(self, scene: Scene, settings: Settings, search: Search | None = None) -> None:
        """Make a tracker; without a search, it needs `start_at`."""
        self._scene = scene
        self._settings = settings
        self._search = search
        self._look_ahead = LookAhead()
        # Of the last image that shows it.
        self._is_grey = False
        self._restart(None)

    @property
    def state(self) -> State:
        """What is known about the camera's pose."""
        return self._states.state

    def start_at(self, map_T_camera: Array, covariance: Array | None = None) -> None:
        """Forget the past and start at a pose [4, 4], metres.

        :param covariance: [6, 6] in the ROS order x y z rx ry rz (m, rad), about the map's fixed
            axes: the uncertainty of the pose; None: that of a usual guess.
        :raises InputError: the pose is not a finite 4x4 matrix, or the covariance is not valid.
        """
        pose = np.array(map_T_camera, dtype=np.float64)
        spread = None if covariance is None else np.array(covariance, dtype=np.float64)
        self._restart(InitialPose(pose, spread))

    def start_anywhere(self) -> None:
        """Forget the past and search for the camera."""
        self._restart(None)

    def restart_at_last_pose(self, frame: Frame) -> None:
        """Start again after a jump in time: at the last pose, or at the pose by odometry.

        :param frame: the image after the jump, which is to be tracked next.
        """
        start, motion, had_pose = self._start, self._motion, self._camera is not None
        if motion is None or start is None:
            self._restart(start)
            return
        by_odometry = motion.pose_by_odometry(frame.stamp_ns, frame.odom_T_camera)
        pose = motion.map_T_camera if by_odometry is None else by_odometry
        self._restart(
            InitialPose(pose, start.covariance),
            # At another time, the camera may be anywhere.
            hint_first=by_odometry is not None or not had_pose,
        )

    def change(self, settings: Settings) -> None:
        """Use other settings of tracking and alignment from the next image on; the track continues.

        Device, rasterizer, solver and all others stay as they are.
        """
        self._settings = dataclasses.replace(
            self._settings, tracking=settings.tracking, alignment=settings.alignment
        )

    def close(self) -> None:
        """End a search in progress."""
        if self._search is not None:
            self._search.close()

    def track(self, frame: Frame) -> PoseEstimate:
        """Estimate the pose of an image, which is newer than the last; intervals may vary.

        :raises InputError: there is neither a start pose nor a search, or the image is too small.
        """
        self._require_usable(frame)
        with Stopwatch() as stopwatch:
            frame = self._prepare(frame)
            velocity = np.zeros(6) if self._motion is None else self._motion.velocity
            frozen = self._frozen_images.check(frame, velocity, self._settings.tracking)

            # Predict the pose, and align the image from there.
            motion = self._predict(frame)
            if motion is None:
                result = TrackingResult(_SEARCHING)
            else:
                alignment = self._align(frame, motion)
                result = TrackingResult(frozen, motion, alignment)

                # Validate the pose; try other motions if it is rejected.
                if not frozen:
                    acquiring = not self._continues(frame)
                    result = self._validate(frame, motion, alignment, acquiring=acquiring)
                if result.rejected and not frozen:
                    result = self._try_alternatives(frame) or result

            # Search for the camera if it is lost.
            if result.rejected:
                self._reject(frame)
                if not frozen:
                    result = self._relocalize(frame) or result

            # Update the motion with an accepted pose.
            if not result.rejected:
                self._accept(frame, result)
        return result.estimate(frame, self.state, stopwatch.milliseconds())

    def look_ahead(self) -> None:
        """Render for the next image, and check the calibration now and then.

        Call it between two images. It may run on a second thread, beside `track`.
        """
        self._look_ahead.run()

    def _restart(self, start: InitialPose | None, *, hint_first: bool = True) -> None:
        """Forget the past.

        :param start: where the camera may be.
        :param hint_first: search around the start first; else in the whole map.
        """
        self._states = StateMachine()
        # Until a pose is accepted the start pose, then the last accepted pose.
        self._start = start
        self._motion: MotionFilter | None = None
        self._scheduler = AlignmentScheduler(self._scene)
        self._hypotheses = MotionHypotheses(self._scene, self._scheduler)
        self._validator = PoseValidator(self._scene)
        self._frozen_images = FrozenImageDetector()
        self._exposure: Tensor | None = None
        # Of the last accepted pose.
        self._camera: Camera | None = None
        self._has_begun = False
        self._places: PossiblePlaces | None = None
        self._look_ahead.cancel()
        if self._search is not None:
            self._search.reset(hint_first=start is not None and hint_first)

    def _require_usable(self, frame: Frame) -> None:
        if self._start is None and self._search is None:
            raise InputError('no start pose and no search: give a pose before the first image')
        require_size(frame.camera)

    def _prepare(self, frame: Frame) -> Frame:
        """Take note of the next image; return the frame with its colour mode."""
        if not self._has_begun:
            self._states.begin(frame.stamp_ns)
        self._has_begun = True
        self._hypotheses.next_image()
        self._look_ahead.cancel()
        frame = with_colour_mode(frame, self._scene.is_grey, self._is_grey)
        self._is_grey = bool(frame.is_grey)
        return frame

    def _predict(self, frame: Frame) -> MotionFilter | None:
        """Carry the motion to an image; None if there is neither a motion nor a start pose."""
        if self._motion is None and self._start is not None:
            self._motion = motion_from_pose(self._start, frame)
        if self._motion is not None:
            predict(self._motion, frame, self._states.accepted_ns, self._settings.tracking)
        return self._motion

    def _continues(self, frame: Frame) -> bool:
        """Whether a pose of the image simply continues a track."""
        recent = is_recent(frame, self._states.accepted_ns, self._settings.tracking)
        return self.state is State.TRACKING and recent and frame.camera == self._camera

    def _align(self, frame: Frame, motion: MotionFilter) -> Alignment:
        """Align an image from the prediction; coarse to fine if that is poor."""
        return self._scheduler.align_with_retry(
            frame, motion.map_T_camera, self._exposure, self._settings, self._is_poor
        )

    def _is_poor(self, quality: AlignmentQuality) -> bool:
        """Whether an alignment is so poor that a coarse-to-fine alignment may do better."""
        if not self.state.is_searching:
            return self._validator.is_poor(quality)
        # Beyond the first image, a search covers more of the map than an alignment.
        can_search = self._search is not None and self._states.rejections > 0
        return not can_search and not self._validator.can_acquire(quality, self._settings.tracking)

    def _validate(
        self, frame: Frame, motion: MotionFilter, alignment: Alignment, *, acquiring: bool
    ) -> TrackingResult:
        """Check an aligned pose; keep one that may be a jump for the next image."""
        settings = self._settings
        rejected = self._validator.validate(
            frame, motion, alignment, self.state, settings, acquiring=acquiring
        )
        if rejected is not None and rejected.rejection is Rejection.INNOVATION:
            quality = AlignmentQuality.of(alignment)
            if self._validator.can_acquire(quality, settings.tracking):
                self._hypotheses.note_jump(frame, alignment)
        return TrackingResult(rejected, motion, alignment)

    def _try_alternatives(self, frame: Frame) -> TrackingResult | None:
        """Return the first pose by another motion hypothesis that is accepted, if any."""
        for motion, alignment in self._hypotheses.alternatives(
            frame, self._states.accepted_ns, self._exposure, self._settings, self._is_poor
        ):
            result = self._validate(frame, motion, alignment, acquiring=True)
            if not result.rejected:
                return result
        return None

    def _relocalize(self, frame: Frame) -> TrackingResult | None:
        """Search for the camera, if it is lost; return the image's pose if the camera is found."""
        if self._search is None or not self.state.is_searching:
            return None
        places = self._places
        if places is not None:
            places.follow(frame, self._settings)
        else:
            places = self._search_places(self._search, frame)
        if places is None:
            return None
        self._places = None if places.is_settled else places
        only = places.only
        return self._validate(frame, *only, acquiring=True) if only else places.ambiguity

    def _search_places(self, search: Search, frame: Frame) -> PossiblePlaces | None:
        """Offer an image to the search; return where the camera may be, if that is known."""
        motion, start = self._motion, self._start
        near = InitialPose(motion.map_T_camera, start.covariance) if motion and start else None
        with stage('search'):
            found = search.offer(frame, near, self._settings.tracking.search_period)
        if found is not None:
            return PossiblePlaces(self._scene, *found, frame, self._validator, self._settings)
        return None

    def _reject(self, frame: Frame) -> None:
        self._states.reject(frame.stamp_ns, self._settings.tracking)
        if self.state is State.LOST:
            self._exposure = None

    def _accept(self, frame: Frame, result: TrackingResult) -> None:
        """Continue from an accepted pose."""
        motion, alignment = result.motion, result.alignment
        assert motion is not None
        assert alignment is not None
        if self.state.is_searching:
            # The pose was not predicted, so it does not show how the camera moves.
            motion = motion_from_alignment(alignment, frame)
        else:
            motion.update(alignment.pose, alignment.pose_covariance)
        passed_s = (frame.stamp_ns - self._states.accepted_ns) * 1e-9
        expected = motion.extrapolated(min(max(passed_s, 0.0), _LONGEST_AHEAD_S))
        self._look_ahead.plan(
            frame, alignment, expected, self._settings, self._scheduler, self._validator
        )
        self._motion, self._start = motion, InitialPose(motion.map_T_camera)
        self._exposure, self._camera = alignment.exposure, frame.camera
        self._scheduler.expected = alignment.disturbance
        self._hypotheses.note_accepted(frame, motion)
        self._validator.learn(alignment)
        self._states.accept(frame.stamp_ns)
        self._places = None
        if self._search is not None:
            self._search.reset()
