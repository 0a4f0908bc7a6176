"""Images in real time, by a clock that advances only by waiting and work."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from evaluation_support.sequences import PERIOD_NS, numbered_sequence
from mesh_reloc_evaluation.stress.case_run import run_case
from mesh_reloc_evaluation.stress.cases import make_cases
from mesh_reloc_evaluation.stress.realtime import realtime
from mesh_reloc_evaluation.stress.stress_image import Phase

from mesh_reloc_ros.types.estimate import PoseEstimate, State

PERIOD_S = PERIOD_NS * 1e-9
SEQUENCE = numbered_sequence(60)


@dataclass
class SlowTracker:
    """A clock, and a tracker whose answers are right and take a number of its periods each."""

    takes: float
    seconds: float = 0.0
    slept: float = 0.0
    seen: list[tuple[float, int]] = field(default_factory=list)

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept += seconds
        # A little late, as clocks are.
        self.seconds += seconds + 1e-6

    def track(self, frame) -> PoseEstimate:
        self.seen.append((self.seconds / PERIOD_S, int(frame.image[0, 0, 0])))
        self.seconds += self.takes * PERIOD_S
        pose = np.eye(4)
        pose[0, 3] = 0.01 * int(frame.image[0, 0, 0])
        return PoseEstimate(frame.stamp_ns, State.TRACKING, None, '', pose, np.eye(6))

    def look_ahead(self) -> None:
        pass

    def close(self) -> None:
        pass


def shown_live(name: str, takes: float):
    (case,) = make_cases(SEQUENCE, name)
    tracker = SlowTracker(takes)
    return tracker, run_case(case, lambda start: tracker, realtime(tracker))


def test_who_is_quick_gets_every_image_when_it_is_due():
    tracker, result = shown_live('clean:1', takes=0.5)
    assert [number for _, number in tracker.seen] == list(range(60))
    # Time begins with the first answer.
    np.testing.assert_allclose([at - 0.5 for at, _ in tracker.seen[1:]], range(1, 60), atol=0.01)
    assert not any(image.missed for image in result.images)
    np.testing.assert_allclose([i.late_s for i in result.images[1:]], 0.5 * PERIOD_S, atol=1e-3)


def test_who_is_slow_gets_the_newest_and_misses_the_others():
    tracker, result = shown_live('clean:1', takes=2.5)
    # Done at 3.5, 6.0, 8.5, 11, ... after the first answer: the newest by then are 3, 6, 8, 11, ...
    assert [number for _, number in tracker.seen][:6] == [0, 1, 3, 6, 8, 11]
    assert [image.missed for image in result.images][:9] == [0, 0, 1, 0, 1, 1, 0, 1, 0]
    assert len(result.images) == 60
    assert result.trace.startswith('++-+--+-+')
    assert all(not image.trusted for image in result.images if image.missed)


def test_from_nothing_time_begins_at_once():
    tracker, result = shown_live('start:3', takes=2.5)
    first = tracker.seen[0][1]
    assert [number - first for _, number in tracker.seen][:4] == [0, 2, 5, 7]
    assert result.recovery_s == pytest.approx(2.5 * PERIOD_S, abs=1e-3)


def test_what_is_late_recovers_later():
    _, result = shown_live('black:2', takes=0.5)
    assert result.recovery_s == pytest.approx(0.5 * PERIOD_S, abs=1e-3)
    _, result = shown_live('black:2', takes=20.0)
    assert result.recovery_s > 1
    assert not result.soon


def test_a_gap_is_waited_for_and_the_past_is_not():
    tracker, result = shown_live('gap:5', takes=0.1)
    assert tracker.slept == pytest.approx(5 + PERIOD_S * (len(result.images) - 2), rel=0.1)
    after = [image.phase for image in result.images].index(Phase.AFTER)
    assert tracker.seen[after][0] - tracker.seen[after - 1][0] == pytest.approx(5 / PERIOD_S + 1)
    tracker, result = shown_live('order:4', takes=0.1)
    assert not any(image.missed for image in result.images)
    np.testing.assert_allclose(np.diff([at for at, _ in tracker.seen[1:]]), 1, atol=0.01)
