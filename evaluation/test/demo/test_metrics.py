"""The metrics of a replay, and the checks that it must pass."""

import numpy as np
import pytest
from mesh_reloc_evaluation.demo.messages import ReceivedPose, Replay
from mesh_reloc_evaluation.demo.metrics import evaluate_replay, replay_table
from scipy.spatial.transform import Rotation

from mesh_reloc_ros.types.trajectory import Trajectory

COUNT, STEP_NS = 60, 100_000_000
LATENCY_S = 0.04


def truth() -> Trajectory:
    poses = np.tile(np.eye(4), (COUNT, 1, 1))
    poses[:, 0, 3] = np.linspace(0, 1, COUNT)
    return Trajectory(np.arange(COUNT, dtype=np.int64) * STEP_NS, poses)


def replayed(answered=range(COUNT), offsets_m=None, turns_deg=None) -> Replay:
    """Return a replay in which some images are answered, off by metres and degrees."""
    true = truth()
    replay = Replay(sent={int(stamp): stamp / 1e9 for stamp in true.stamps_ns})
    for number in answered:
        pose = true.poses[number].copy()
        pose[1, 3] += 0.001 if offsets_m is None else offsets_m[number]
        turn = 0.0 if turns_deg is None else turns_deg[number]
        pose[:3, :3] = Rotation.from_euler('x', turn, degrees=True).as_matrix()
        stamp = int(true.stamps_ns[number])
        replay.poses.append(ReceivedPose(stamp, pose, stamp / 1e9 + LATENCY_S))
    return replay


def test_a_good_replay_passes_all_checks():
    result = evaluate_replay(replayed(), truth())
    assert result.failures() == []
    figures = result.metrics()
    assert figures['images'] == figures['poses'] == COUNT
    assert figures['median_cm'] == pytest.approx(0.1)
    assert figures['latency_p50_ms'] == pytest.approx(1e3 * LATENCY_S)
    assert figures['rate_hz'] == pytest.approx(10, rel=0.05)
    assert figures['longest_gap_s'] == pytest.approx(0.1)


def one_far(value):
    values = np.zeros(COUNT)
    values[30] = value
    return values


@pytest.mark.parametrize(
    ('replay', 'words'),
    [
        (replayed(offsets_m=one_far(0.11)), '1 poses are off'),
        (replayed(turns_deg=one_far(6)), '1 poses are off'),
        (replayed(offsets_m=np.full(COUNT, 0.03)), '3.00 cm is above'),
        (replayed(turns_deg=np.full(COUNT, 0.6)), '0.60 deg is above'),
        (replayed(answered=range(0, COUNT, 3)), '3.4 poses a second'),
        (replayed(answered=[*range(20), *range(40, COUNT)]), 'no pose for 2.1 s'),
        (replayed(answered=range(20, COUNT)), 'no pose for 2.0 s'),
        (replayed(answered=range(40)), 'no pose for 2.0 s'),
        (replayed(answered=[]), 'no pose'),
    ],
)
def test_what_is_not_right_is_named(replay, words):
    result = evaluate_replay(replay, truth())
    assert any(words in fault for fault in result.failures()), result.failures()
    assert str(len(replay.poses)) in replay_table(result)


def test_images_that_were_sent_again_are_measured_from_the_last_time():
    replay = replayed()
    replay.sent[0] += 0.02
    assert evaluate_replay(replay, truth()).latencies_ms[0] == pytest.approx(
        1e3 * (LATENCY_S - 0.02)
    )
