"""Images at their own rate, by a clock that only moves when somebody waits or works."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from evaluation_support.sequences import PERIOD_NS, numbered_footage
from mesh_reloc_evaluation.stress.cases import make_cases
from mesh_reloc_evaluation.stress.footage import Part
from mesh_reloc_evaluation.stress.judge import run_case
from mesh_reloc_evaluation.stress.realtime import at_their_rate

from mesh_reloc_ros.types.estimate import PoseEstimate, State

PERIOD_S = PERIOD_NS * 1e-9
FOOTAGE = numbered_footage(60)


@dataclass
class SlowTracker:
    """A clock, and a tracker whose answers take so much of its time, in periods, and are right."""

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
        return PoseEstimate(frame.stamp_ns, State.TRACKING, True, '', pose, np.eye(6))

    def look_ahead(self) -> None:
        pass

    def close(self) -> None:
        pass


def shown_live(name: str, takes: float):
    (case,) = make_cases(FOOTAGE, name)
    tracker = SlowTracker(takes)
    return tracker, run_case(case, lambda start: tracker, at_their_rate(tracker))


def test_who_is_quick_gets_every_image_when_it_is_due():
    tracker, outcome = shown_live('clean:1', takes=0.5)
    assert [number for _, number in tracker.seen] == list(range(60))
    # Time begins with the first answer.
    np.testing.assert_allclose([at - 0.5 for at, _ in tracker.seen[1:]], range(1, 60), atol=0.01)
    assert not any(image.missed for image in outcome.images)
    np.testing.assert_allclose([i.late_s for i in outcome.images[1:]], 0.5 * PERIOD_S, atol=1e-3)


def test_who_is_slow_gets_the_newest_and_misses_the_others():
    tracker, outcome = shown_live('clean:1', takes=2.5)
    # Done at 3.5, 6.0, 8.5, 11, ... after the first answer: the newest by then are 3, 6, 8, 11, ...
    assert [number for _, number in tracker.seen][:6] == [0, 1, 3, 6, 8, 11]
    assert [image.missed for image in outcome.images][:9] == [0, 0, 1, 0, 1, 1, 0, 1, 0]
    assert len(outcome.images) == 60
    assert outcome.trace.startswith('++-+--+-+')
    assert all(not image.trusted for image in outcome.images if image.missed)


def test_from_nothing_time_begins_at_once():
    tracker, outcome = shown_live('start:3', takes=2.5)
    first = tracker.seen[0][1]
    assert [number - first for _, number in tracker.seen][:4] == [0, 2, 5, 7]
    assert outcome.recovery_s == pytest.approx(2.5 * PERIOD_S, abs=1e-3)


def test_what_is_late_recovers_later():
    _, outcome = shown_live('black:2', takes=0.5)
    assert outcome.recovery_s == pytest.approx(0.5 * PERIOD_S, abs=1e-3)
    _, outcome = shown_live('black:2', takes=20.0)
    assert outcome.recovery_s > 1
    assert not outcome.soon


def test_a_gap_is_waited_for_and_the_past_is_not():
    tracker, outcome = shown_live('gap:5', takes=0.1)
    assert tracker.slept == pytest.approx(5 + PERIOD_S * (len(outcome.images) - 2), rel=0.1)
    after = [image.part for image in outcome.images].index(Part.AFTER)
    assert tracker.seen[after][0] - tracker.seen[after - 1][0] == pytest.approx(5 / PERIOD_S + 1)
    tracker, outcome = shown_live('order:4', takes=0.1)
    assert not any(image.missed for image in outcome.images)
    np.testing.assert_allclose(np.diff([at for at, _ in tracker.seen[1:]]), 1, atol=0.01)
