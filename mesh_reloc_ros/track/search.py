"""Search for a camera whose pose is unknown, within the tracking or on a thread beside it."""

from __future__ import annotations

import threading
from concurrent.futures import Future

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.relocalize.relocalizer import Relocalizer
from mesh_reloc_ros.track._motion_filter import MotionFilter
from mesh_reloc_ros.track._prediction import motion_from_alignment
from mesh_reloc_ros.track._scheduler import AlignmentScheduler
from mesh_reloc_ros.track.quality import AlignmentQuality
from mesh_reloc_ros.track.validation import PoseValidator
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.initial_pose import InitialPose

# An image whose coarse version [rows, columns] has a smaller standard deviation, in grey levels,
# shows nothing but noise.
_COARSE, _FLAT = (30, 40), 3.0
# Most images kept during a search; beyond that, every second one is dropped.
_MAX_KEPT = 16


class Search:
    """Has the relocalizer look at an image now and then, until the tracker has a pose.

    `close` is safe to call from any thread; all else belongs to the tracking thread.
    """

    def __init__(self, relocalizer: Relocalizer, background: bool) -> None:
        """Search within `offer`, or in the `background` on a thread."""
        self._relocalizer = relocalizer
        self._background = background
        self._lock = threading.Lock()
        self._job: _Job | None = None
        self._thread: threading.Thread | None = None
        self.reset()

    def reset(self, hint_first: bool = False) -> None:
        """Forget the past, and drop the search in progress.

        :param hint_first: begin around the hint; else with the whole map.
        """
        with self._lock:
            self._job = None
        self._at_hint = hint_first
        self._last_ns: int | None = None

    def offer(
        self, frame: Frame, hint: InitialPose | None, period_s: float
    ) -> tuple[list[Alignment], list[Frame]] | None:
        """Take an image without a pose; return what has been found, if anything.

        Searches of the whole map and around the hint take turns.

        :param hint: a pose that the camera may be near.
        :param period_s: shortest time between two images that are searched for, by stamps.
        :returns: an image, aligned at one place or at several that look alike; and this image with
            those that came since, in order, without the newest. They are thinned out if they are
            many.
        :raises Exception: whatever the relocalizer raised.
        """
        with self._lock:
            job = self._job
            if job is not None and job.outcome.done():
                self._job = None
        if job is not None:
            if not job.outcome.done():
                job.keep(frame)
                return None
            located = job.outcome.result()
            if located:
                return located, [job.frame, *job.since]
        if not self._is_due(frame, period_s):
            return None
        around = hint if self._at_hint else None
        self._at_hint = not self._at_hint
        self._last_ns = frame.stamp_ns
        if self._background:
            self._start(frame, around)
            return None
        located = self._relocalizer.locate_all(frame, around)
        return (located, [frame]) if located else None

    def close(self, timeout_s: float = 5.0) -> bool:
        """End the search; return False if the search in progress takes longer than the timeout."""
        with self._lock:
            self._job = None
            thread = self._thread
        if thread is None:
            return True
        thread.join(timeout_s)
        return not thread.is_alive()

    def _is_due(self, frame: Frame, period_s: float) -> bool:
        if self._thread is not None and self._thread.is_alive():
            return False
        passed_ns = None if self._last_ns is None else frame.stamp_ns - self._last_ns
        # After time went back, the next image is due.
        waits = passed_ns is not None and 0 <= passed_ns < period_s * 1e9
        return not waits and shows_something(frame.image)

    def _start(self, frame: Frame, around: InitialPose | None) -> None:
        job = _Job(frame)
        # A daemon, so that a long search cannot keep the process alive.
        thread = threading.Thread(
            target=self._locate, args=(job, around), name='search', daemon=True
        )
        with self._lock:
            self._job, self._thread = job, thread
            thread.start()

    def _locate(self, job: _Job, around: InitialPose | None) -> None:
        """Look at an image, on the thread."""
        try:
            job.outcome.set_result(self._relocalizer.locate_all(job.frame, around))
        except Exception as error:
            job.outcome.set_exception(error)


class _Job:
    """A search in progress. The thread writes the outcome, the tracking thread all else."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.outcome: Future[list[Alignment]] = Future()
        self.since: list[Frame] = []
        self._passed, self._stride = 0, 1

    def keep(self, frame: Frame) -> None:
        """Keep a later image, or every second, fourth, ... one if there are many."""
        self._passed += 1
        if self._passed % self._stride:
            return
        self.since.append(frame)
        if len(self.since) > _MAX_KEPT:
            self.since = self.since[1::2]
            self._stride *= 2


def replay_to_latest(
    located: Alignment,
    images: list[Frame],
    frame: Frame,
    scheduler: AlignmentScheduler,
    validator: PoseValidator,
    settings: Settings,
) -> tuple[MotionFilter, Alignment] | None:
    """Follow the camera from where it was found to the newest image, which is not validated here.

    :param located: the first of the images, aligned.
    :returns: the motion predicted to the image, and the aligned image; None if the image is older.
    """
    tracking, exposure = settings.tracking, located.exposure
    motion = motion_from_alignment(located, images[0])
    for image in images[1:]:
        if motion.stamp_ns < image.stamp_ns < frame.stamp_ns:
            motion.predict(image.stamp_ns, tracking, image.odom_T_camera)
            alignment = scheduler.align(image, motion.map_T_camera, exposure, settings)
            if alignment.is_finite and validator.can_acquire(
                AlignmentQuality.of(alignment), tracking
            ):
                motion.update(alignment.pose, alignment.pose_covariance)
                exposure = alignment.exposure
    if frame.stamp_ns < motion.stamp_ns:
        return None
    motion.predict(frame.stamp_ns, tracking, frame.odom_T_camera)
    return motion, scheduler.align(frame, motion.map_T_camera, exposure, settings)


def shows_something(image: NDArray[np.uint8]) -> bool:
    """Whether an image [H, W, 3] is more than one even colour, noise apart."""
    coarse = cv2.resize(image, _COARSE[::-1], interpolation=cv2.INTER_AREA)
    return bool(coarse.astype(np.float32).std((0, 1)).max() > _FLAT)
