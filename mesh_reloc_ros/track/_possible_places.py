"""Where the camera may be after a search: later images tell apart places that look alike."""

from __future__ import annotations

from dataclasses import dataclass

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.track._motion_filter import MotionFilter
from mesh_reloc_ros.track._result import Rejected, TrackingResult
from mesh_reloc_ros.track._scheduler import AlignmentScheduler
from mesh_reloc_ros.track.quality import AlignmentQuality
from mesh_reloc_ros.track.search import replay_to_latest
from mesh_reloc_ros.track.validation import PoseValidator
from mesh_reloc_ros.types.estimate import Rejection
from mesh_reloc_ros.types.frame import Frame

# A place is given up after this many images in a row that do not agree with it.
_MAX_MISSES = 3


@dataclass
class _Place:
    """The camera followed at one of the places."""

    scheduler: AlignmentScheduler
    motion: MotionFilter
    alignment: Alignment
    """Of the last image."""
    misses: int = 0


class PossiblePlaces:
    """Follows the camera at each of the places, until the images agree with one only."""

    def __init__(
        self,
        scene: Scene,
        located: list[Alignment],
        images: list[Frame],
        frame: Frame,
        validator: PoseValidator,
        settings: Settings,
    ) -> None:
        """Follow the camera at each place to the newest image; see `replay_to_latest`.

        :param located: the first of the images, aligned at each place.
        """
        self._validator = validator
        self._places: list[_Place] = []
        for place in located:
            scheduler = AlignmentScheduler(scene, expected=place.disturbance)
            latest = replay_to_latest(place, images, frame, scheduler, validator, settings)
            if latest is not None:
                self._places.append(_Place(scheduler, *latest))

    @property
    def ambiguity(self) -> TrackingResult | None:
        """That there are several places, if that is so."""
        count = len(self._places)
        if count < 2:
            return None
        rejected = Rejected(Rejection.AMBIGUOUS, f'{count} places look alike')
        return TrackingResult(rejected, places_alike=count)

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to be told apart by the next images."""
        return not self._places or self.only is not None

    @property
    def only(self) -> tuple[MotionFilter, Alignment] | None:
        """The motion and the aligned image at the place that is left; None if there are more."""
        if len(self._places) != 1 or self._places[0].misses:
            return None
        return self._places[0].motion, self._places[0].alignment

    def follow(self, frame: Frame, settings: Settings) -> None:
        """Align the next image at each place, and give up those that do not agree with it."""
        for place in self._places:
            place.motion.predict(frame.stamp_ns, settings.tracking, frame.odom_T_camera)
            pose = place.motion.map_T_camera
            exposure = place.alignment.exposure
            alignment = place.scheduler.align(frame, pose, exposure, settings)
            quality = AlignmentQuality.of(alignment)
            place.alignment = alignment
            if alignment.is_finite and self._validator.can_acquire(quality, settings.tracking):
                place.motion.update(alignment.pose, alignment.pose_covariance)
                place.misses = 0
            else:
                place.misses += 1
        self._places = [place for place in self._places if place.misses < _MAX_MISSES]
