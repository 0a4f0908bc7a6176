"""Runs a case: gives its images to a tracker, and compares the answers with the truth."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import numpy as np

from mesh_reloc_evaluation.stress.case_result import CaseResult, ImageResult
from mesh_reloc_evaluation.stress.cases import Case
from mesh_reloc_evaluation.stress.stress_image import StressImage
from mesh_reloc_evaluation.trajectory_errors import is_wrong
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.estimate import PoseEstimate
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.pose import distance


class ImageTracker(Protocol):
    """What a case needs of a `Pipeline`."""

    def track(self, frame: Frame) -> PoseEstimate:
        """Estimate the pose of the next image."""

    def look_ahead(self) -> None:
        """Prepare for the next image."""

    def close(self) -> object:
        """End a search in progress."""


MakeTracker = Callable[[Array | None], ImageTracker]
"""Makes a tracker that starts at a pose [4, 4], or without one."""
RunImages = Callable[[ImageTracker, list[StressImage], bool], list[ImageResult]]
"""Gives images to a tracker; the last argument says whether it has no start pose."""


def run_case(case: Case, make_tracker: MakeTracker, run_images: RunImages) -> CaseResult:
    """Give the images of a case to a new tracker."""
    images = case.make()
    tracker = make_tracker(None if case.without_start else images[0].map_T_camera)
    try:
        results = run_images(tracker, images, case.without_start)
    finally:
        tracker.close()
    return CaseResult(case.fault, case.strength, case.name, case.without_start, results)


def one_by_one(
    tracker: ImageTracker, images: list[StressImage], without_start: bool = False
) -> list[ImageResult]:
    """Give each image to the tracker when it has finished the one before."""
    results = []
    for image in images:
        results.append(track_image(tracker, image))
        tracker.look_ahead()
    return results


def track_image(tracker: ImageTracker, image: StressImage) -> ImageResult:
    """Give an image to the tracker and compare its answer with the truth."""
    begin, begin_cpu = time.perf_counter(), time.process_time()
    estimate = tracker.track(image.frame)
    work_s = min(time.perf_counter() - begin, time.process_time() - begin_cpu)
    metres, degrees = None, None
    if estimate.trusted and image.map_T_camera is not None:
        metres, radians = distance(estimate.map_T_camera, image.map_T_camera)
        degrees = float(np.degrees(radians))
    return ImageResult(
        phase=image.phase,
        stamp_ns=image.frame.stamp_ns,
        state=estimate.state.value,
        trusted=estimate.trusted,
        wrong=estimate.trusted and (metres is None or bool(is_wrong(metres, degrees))),
        error_m=metres,
        error_deg=degrees,
        work_s=work_s,
    )
