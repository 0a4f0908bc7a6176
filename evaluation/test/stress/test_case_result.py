"""Results of trackers whose answers are known."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from evaluation_support.sequences import PERIOD_NS, numbered_sequence
from mesh_reloc_evaluation.stress.case_run import one_by_one, run_case
from mesh_reloc_evaluation.stress.cases import make_cases
from mesh_reloc_evaluation.stress.metrics import (
    share,
    summarize,
    summarize_all,
    summary_lines,
    worst,
)
from mesh_reloc_evaluation.stress.stress_image import Phase
from mesh_reloc_evaluation.stress.tables import faults_table
from scipy.spatial.transform import Rotation

from mesh_reloc_ros.types.estimate import PoseEstimate, Rejection, State


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
        rejection = Rejection.LOW_SCORE if sign == '.' else None
        return PoseEstimate(frame.stamp_ns, state, rejection, '', pose, np.eye(6))

    def look_ahead(self) -> None:
        self.ahead += 1

    def close(self) -> None:
        self.closed = True


SEQUENCE = numbered_sequence(60)


def result_of(name: str, script: str):
    """Run a case with a script for its images, and return result and tracker."""
    (case,) = make_cases(SEQUENCE, name)
    shown = case.make()
    poses = [np.eye(4) if item.map_T_camera is None else item.map_T_camera for item in shown]
    trackers = []

    def make(start):
        trackers.append((start, Scripted(script, poses)))
        return trackers[-1][1]

    result = run_case(case, make, one_by_one)
    ((start, tracker),) = trackers
    np.testing.assert_array_equal(start, shown[0].map_T_camera)
    assert tracker.stamps == [item.frame.stamp_ns for item in shown]
    assert tracker.ahead == len(shown)
    assert tracker.closed
    return result


def lengths(name: str) -> tuple[int, int, int]:
    (case,) = make_cases(SEQUENCE, name)
    parts = [item.phase for item in case.make()]
    return parts.count(Phase.BEFORE), parts.count(Phase.FAULT), parts.count(Phase.AFTER)


def test_right_poses_are_right_and_recover_at_once():
    result = result_of('black:2', '+')
    assert result.wrong == 0
    assert result.recovery_s == 0.0
    assert result.soon
    assert result.stayed
    assert set(result.trace) == {'+', '|'}


@pytest.mark.parametrize(('sign', 'wrong'), [('X', 1), ('T', 1), ('n', 0), ('.', 0)])
def test_a_planted_wrong_pose_is_found(sign, wrong):
    before, fault, after = lengths('black:2')
    script = '+' * before + '.' * (fault - 1) + sign + '+' * after
    result = result_of('black:2', script)
    assert result.wrong == wrong
    assert result.as_json()['trace'].count('X') == wrong


def test_any_pose_of_an_image_that_shows_no_place_is_wrong():
    before, fault, after = lengths('mirrored:1')
    result = result_of('mirrored:1', '+')
    assert result.wrong == fault
    assert [i.wrong for i in result.images] == [False] * before + [True] * fault + [False] * after


def test_recovery_counts_from_the_first_clean_image_to_the_first_right_pose():
    before, fault, after = lengths('black:2')
    script = '+' * before + '.' * fault + '.X' + '+' * (after - 2)
    result = result_of('black:2', script)
    assert result.recovery == 2
    assert result.recovery_s == pytest.approx(2 * PERIOD_NS * 1e-9)
    assert result.recovery_work_s > 0
    assert result.soon
    assert result.wrong == 1


def test_a_late_recovery_is_not_soon_and_none_is_never():
    before, fault, after = lengths('black:2')
    late = result_of('black:2', '+' * before + '.' * (fault + after - 1) + '+')
    assert late.recovery_s == pytest.approx((after - 1) * PERIOD_NS * 1e-9)
    assert late.recovery_s > 1
    assert not late.soon
    never = result_of('black:2', '+' * before + '.' * (fault + after))
    assert never.recovery_s is None
    assert never.recovery_work_s is None
    assert not never.soon
    assert not never.stayed


def test_who_loses_it_again_has_not_stayed():
    before, fault, after = lengths('black:2')
    rest = '+' + '.' * (after - 1)
    result = result_of('black:2', '+' * before + '.' * fault + rest)
    assert result.soon
    assert not result.stayed


def test_figures_and_table_add_up():
    before, fault, after = lengths('black:2')
    results = [
        result_of('black:2', '+' * before + '.' * fault + '+' * after),
        result_of('black:2', '+' * before + 'X' * fault + '..' + '+' * (after - 2)),
        result_of('black:2', '+' * before + '.' * (fault + after)),
        result_of('mirrored:1', '+'),
    ]
    of = summarize(results[:3])
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
    total = summarize_all(results)['faults']
    assert total['wrong'] == fault + mirrored[1]
    assert total['cases'] == 4
    table = faults_table(results)
    assert [row[:3] for row in table.rows] == [
        ['black', '0.5 s', '3'],
        ['mirrored', 'left-right', '1'],
    ]
    column = table.header.index('wrong')
    assert sum(int(row[column]) for row in table.rows) == total['wrong']
    assert all(len(row) == len(table.header) for row in table.rows)
    said = '\n'.join(summary_lines(summarize_all(results)))
    assert f'{total["wrong"]} of' in said
    assert 'black:2' in said
    assert worst(results).wrong == max(fault, mirrored[1])


def test_a_share_is_not_rounded_up_to_all():
    assert share(9999, 10_000) == '99.9%'
    assert share(7, 7) == '100%'
    assert share(0, 0) == '-'
