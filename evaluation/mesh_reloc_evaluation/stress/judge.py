"""One case run through a tracker, and judged against the truth."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy.spatial.transform import Rotation

from mesh_reloc_evaluation.stress.cases import Case
from mesh_reloc_evaluation.stress.footage import Array, Part, Shown
from mesh_reloc_ros.types.estimate import PoseEstimate
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.trajectory import WRONG_BEYOND_DEG, WRONG_BEYOND_M

SOON_S = 1.0
"""A recovery within this time is soon enough."""
_STAYED = 0.9


class TracksImages(Protocol):
    """What a case needs of a tracker."""

    def track(self, frame: Frame) -> PoseEstimate:
        """Answer an image."""

    def look_ahead(self) -> None:
        """Prepare for the next image."""

    def close(self) -> None:
        """End what is still under way."""


MakeTracker = Callable[[Array | None], TracksImages]
"""Makes a tracker that starts at a pose [4, 4], or from nothing."""


@dataclass(frozen=True)
class Judged:
    """What a tracker made of one image."""

    part: Part
    stamp_ns: int
    state: str
    trusted: bool
    wrong: bool
    """Trusted, and too far off, or of an image that has no pose."""
    error_m: float | None
    error_deg: float | None
    """Of a trusted pose, where there is a truth."""
    work_s: float
    """Time that the answer took: wall time or processor time, whichever is less, so that other
    work on the machine does not count."""
    late_s: float = 0.0
    """Time from the image's arrival to its answer, where images come at their own rate."""
    missed: bool = False
    """A newer image came before it was looked at."""


@dataclass(frozen=True)
class Outcome:
    """A case, judged image by image."""

    fault: str
    strength: str
    name: str
    images: list[Judged]

    def of(self, *parts: Part) -> list[Judged]:
        """Return the images of some parts."""
        return [image for image in self.images if image.part in parts]

    @property
    def wrong(self) -> int:
        """How many wrong poses were published."""
        return sum(image.wrong for image in self.images)

    @property
    def recovery(self) -> int | None:
        """The first clean image after the fault with a right pose, counted from 0, or None."""
        rights = [image.trusted and not image.wrong for image in self.of(Part.AFTER)]
        return rights.index(True) if True in rights else None

    @property
    def recovery_s(self) -> float | None:
        """Time from the fault's end, the first clean image, to the first right pose.

        By stamps; where images come at their own rate, until that pose is there.
        """
        after, count = self.of(Part.AFTER), self.recovery
        if count is None:
            return None
        return (after[count].stamp_ns - after[0].stamp_ns) / 1e9 + after[count].late_s

    @property
    def recovery_work_s(self) -> float | None:
        """Time that the tracker worked from the fault's end to the first right pose."""
        count = self.recovery
        if count is None:
            return None
        return sum(image.work_s for image in self.of(Part.AFTER)[: count + 1])

    @property
    def has_recovery(self) -> bool:
        """Whether there is something to recover from."""
        return bool(self.of(Part.AFTER))

    @property
    def soon(self) -> bool:
        """Whether it recovered within a second."""
        return self.recovery_s is not None and self.recovery_s <= SOON_S

    @property
    def soon_live(self) -> bool:
        """Whether it did so too if the work that it took, in a row, is counted as time."""
        return self.soon and self.recovery_work_s is not None and self.recovery_work_s <= SOON_S

    @property
    def stayed(self) -> bool:
        """Whether after the recovery nearly all poses were published, and right."""
        if self.recovery is None:
            return False
        rest = self.of(Part.AFTER)[self.recovery :]
        return sum(i.trusted for i in rest) >= _STAYED * len(rest) and not any(
            i.wrong for i in rest
        )

    @property
    def trace(self) -> str:
        """A sign for each image: `+` right, `X` wrong, `.` not published, `-` missed.

        `|` stands between parts.
        """
        signs = []
        for number, image in enumerate(self.images):
            if number and image.part is not self.images[number - 1].part:
                signs.append('|')
            signs.append(
                'X' if image.wrong else '+' if image.trusted else '-' if image.missed else '.'
            )
        return ''.join(signs)

    def figures(self) -> dict[str, Any]:
        """Return all that is kept of a case."""
        parts = {part.value: self.of(part) for part in Part}
        return {
            'name': self.name,
            'fault': self.fault,
            'strength': self.strength,
            'images': {name: len(images) for name, images in parts.items()},
            'published': {
                name: sum(image.trusted for image in images) for name, images in parts.items()
            },
            'wrong': self.wrong,
            'max_cm': _largest([i.error_m for i in self.images], 100.0),
            'max_deg': _largest([i.error_deg for i in self.images]),
            'recovery_s': self.recovery_s,
            'recovery_work_s': self.recovery_work_s,
            'stayed': self.stayed if self.has_recovery else None,
            'missed': sum(image.missed for image in self.images),
            'trace': self.trace,
            'states': ''.join(image.state[:1] or '-' for image in self.images),
            'work_s': sum(image.work_s for image in self.images),
        }


Show = Callable[[TracksImages, list[Shown], bool], list[Judged]]
"""Shows a tracker images and judges its answers; the last tells whether it starts from nothing."""


def one_by_one(
    tracker: TracksImages, shown: list[Shown], from_nothing: bool = False
) -> list[Judged]:
    """Show each image when the tracker is done with the one before."""
    answers = []
    for item in shown:
        answers.append(judged(tracker, item))
        tracker.look_ahead()
    return answers


def run_case(case: Case, make_tracker: MakeTracker, show: Show = one_by_one) -> Outcome:
    """Show a tracker the images of a case."""
    shown = case.make()
    tracker = make_tracker(None if case.from_nothing else shown[0].map_T_camera)
    try:
        return Outcome(
            case.fault, case.strength, case.name, show(tracker, shown, case.from_nothing)
        )
    finally:
        tracker.close()


def judged(tracker: TracksImages, shown: Shown) -> Judged:
    """Show a tracker an image and compare its answer with the truth."""
    begin, begin_cpu = time.perf_counter(), time.process_time()
    estimate = tracker.track(shown.frame)
    work_s = min(time.perf_counter() - begin, time.process_time() - begin_cpu)
    metres, degrees = None, None
    if estimate.trusted and shown.map_T_camera is not None:
        metres, degrees = _distance(estimate.map_T_camera, shown.map_T_camera)
    right = (
        metres is not None
        and degrees is not None
        and metres <= WRONG_BEYOND_M
        and degrees <= WRONG_BEYOND_DEG
    )
    return Judged(
        part=shown.part,
        stamp_ns=shown.frame.stamp_ns,
        state=estimate.state.value,
        trusted=estimate.trusted,
        wrong=estimate.trusted and not right,
        error_m=metres,
        error_deg=degrees,
        work_s=work_s,
    )


def _distance(a: Array, b: Array) -> tuple[float, float]:
    turn = Rotation.from_matrix(a[:3, :3].T @ b[:3, :3]).magnitude()
    return float(np.linalg.norm(a[:3, 3] - b[:3, 3])), float(np.degrees(turn))


def _largest(values: list[float | None], factor: float = 1.0) -> float | None:
    known = [factor * value for value in values if value is not None]
    return max(known) if known else None
