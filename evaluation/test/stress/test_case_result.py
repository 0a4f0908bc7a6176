"""Outcomes of trackers whose answers are known."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from evaluation_support.sequences import PERIOD_NS, numbered_footage
from mesh_reloc_evaluation.stress.cases import make_cases
from mesh_reloc_evaluation.stress.footage import Part
from mesh_reloc_evaluation.stress.judge import run_case
from mesh_reloc_evaluation.stress.metrics import figures_of, lines, share, summary_of, worst
from mesh_reloc_evaluation.stress.tables import faults_table
from scipy.spatial.transform import Rotation

from mesh_reloc_ros.types.estimate import PoseEstimate, State


@dataclass
class Scripted:
    """Answers each image as a script says: `+` right, `X` 20 cm off, `T` turned, `.` refused."""

    script: str
    poses: list[np.ndarray]
    seen: int = 0
    ahead: int = 0
    closed: bool = False
    stamps: list[int] = field(default_factory=list)

    def track(self, frame) -> PoseEstimate:
        sign = self.script[self.seen % len(self.script)]
        pose = self.poses[self.seen].copy()
        self.seen += 1
        self.stamps.append(frame.stamp_ns)
        if sign == 'X':
            pose[1, 3] += 0.2
        if sign == 'n':
            pose[1, 3] += 0.09
        if sign == 'T':
            pose[:3, :3] = Rotation.from_euler('z', 6, degrees=True).as_matrix()
        state = State.LOST if sign == '.' else State.TRACKING
        return PoseEstimate(frame.stamp_ns, state, sign != '.', '', pose, np.eye(6))

    def look_ahead(self) -> None:
        self.ahead += 1

    def close(self) -> None:
        self.closed = True


FOOTAGE = numbered_footage(60)


def outcome_of(name: str, script: str):
    """Run a case with a script for its images, and return outcome and tracker."""
    (case,) = make_cases(FOOTAGE, name)
    shown = case.make()
    poses = [np.eye(4) if item.map_T_camera is None else item.map_T_camera for item in shown]
    trackers = []

    def make(start):
        trackers.append((start, Scripted(script, poses)))
        return trackers[-1][1]

    outcome = run_case(case, make)
    ((start, tracker),) = trackers
    np.testing.assert_array_equal(start, shown[0].map_T_camera)
    assert tracker.stamps == [item.frame.stamp_ns for item in shown]
    assert tracker.ahead == len(shown)
    assert tracker.closed
    return outcome


def lengths(name: str) -> tuple[int, int, int]:
    (case,) = make_cases(FOOTAGE, name)
    parts = [item.part for item in case.make()]
    return parts.count(Part.BEFORE), parts.count(Part.FAULT), parts.count(Part.AFTER)


def test_right_poses_are_right_and_recover_at_once():
    outcome = outcome_of('black:2', '+')
    assert outcome.wrong == 0
    assert outcome.recovery_s == 0.0
    assert outcome.soon
    assert outcome.stayed
    assert set(outcome.trace) == {'+', '|'}


@pytest.mark.parametrize(('sign', 'wrong'), [('X', 1), ('T', 1), ('n', 0), ('.', 0)])
def test_a_planted_wrong_pose_is_found(sign, wrong):
    before, fault, after = lengths('black:2')
    script = '+' * before + '.' * (fault - 1) + sign + '+' * after
    outcome = outcome_of('black:2', script)
    assert outcome.wrong == wrong
    assert outcome.figures()['trace'].count('X') == wrong


def test_any_pose_of_an_image_that_shows_no_place_is_wrong():
    before, fault, after = lengths('mirrored:1')
    outcome = outcome_of('mirrored:1', '+')
    assert outcome.wrong == fault
    assert [i.wrong for i in outcome.images] == [False] * before + [True] * fault + [False] * after


def test_recovery_counts_from_the_first_clean_image_to_the_first_right_pose():
    before, fault, after = lengths('black:2')
    script = '+' * before + '.' * fault + '.X' + '+' * (after - 2)
    outcome = outcome_of('black:2', script)
    assert outcome.recovery == 2
    assert outcome.recovery_s == pytest.approx(2 * PERIOD_NS * 1e-9)
    assert outcome.recovery_work_s > 0
    assert outcome.soon
    assert outcome.wrong == 1


def test_a_late_recovery_is_not_soon_and_none_is_never():
    before, fault, after = lengths('black:2')
    late = outcome_of('black:2', '+' * before + '.' * (fault + after - 1) + '+')
    assert late.recovery_s == pytest.approx((after - 1) * PERIOD_NS * 1e-9)
    assert late.recovery_s > 1
    assert not late.soon
    never = outcome_of('black:2', '+' * before + '.' * (fault + after))
    assert never.recovery_s is None
    assert never.recovery_work_s is None
    assert not never.soon
    assert not never.stayed


def test_who_loses_it_again_has_not_stayed():
    before, fault, after = lengths('black:2')
    rest = '+' + '.' * (after - 1)
    outcome = outcome_of('black:2', '+' * before + '.' * fault + rest)
    assert outcome.soon
    assert not outcome.stayed


def test_figures_and_table_add_up():
    before, fault, after = lengths('black:2')
    outcomes = [
        outcome_of('black:2', '+' * before + '.' * fault + '+' * after),
        outcome_of('black:2', '+' * before + 'X' * fault + '..' + '+' * (after - 2)),
        outcome_of('black:2', '+' * before + '.' * (fault + after)),
        outcome_of('mirrored:1', '+'),
    ]
    of = figures_of(outcomes[:3])
    assert of['cases'] == of['recoveries'] == 3
    assert of['clean_images'] == 3 * (before + after)
    assert of['clean_published'] == 3 * before + 2 * after - 2
    assert of['fault_images'] == 3 * fault
    assert of['fault_published'] == of['wrong'] == fault
    assert of['wrong_cases'] == ['black:2']
    assert of['max_cm'] == pytest.approx(20)
    assert of['soon'] == of['stayed'] == 2
    assert of['slow_cases'] == ['black:2']
    assert of['recovery_s_median'] == pytest.approx(2 * PERIOD_NS * 1e-9)
    assert of['recovery_s_max'] is None
    mirrored = lengths('mirrored:1')
    total = summary_of(outcomes)['faults']
    assert total['wrong'] == fault + mirrored[1]
    assert total['cases'] == 4
    table = faults_table(outcomes)
    assert [row[:3] for row in table.rows] == [
        ['black', '0.5 s', '3'],
        ['mirrored', 'left-right', '1'],
    ]
    column = table.header.index('wrong')
    assert sum(int(row[column]) for row in table.rows) == total['wrong']
    assert all(len(row) == len(table.header) for row in table.rows)
    said = '\n'.join(lines(summary_of(outcomes)))
    assert f'{total["wrong"]} of' in said
    assert 'black:2' in said
    assert worst(outcomes).wrong == max(fault, mirrored[1])


def test_a_share_is_not_rounded_up_to_all():
    assert share(9999, 10_000) == '99.9%'
    assert share(7, 7) == '100%'
    assert share(0, 0) == '-'
