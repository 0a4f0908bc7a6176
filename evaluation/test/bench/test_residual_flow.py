"""The flow that remains between render and image."""

import numpy as np
import pytest
from mesh_reloc_evaluation.bench.residual_flow import residual_flow
from support.small_room import CAMERA, photographed, pose_at

from mesh_reloc_ros.types.frame import Frame


def flow_of(room, offset):
    """Return the flow that is measured at a pose that is off by a motion of the camera."""
    poses = [pose_at(0.1 * index) for index in range(11)]
    frames = [
        Frame(index, photographed(room.view(pose), index, noise=2.0), CAMERA)
        for index, pose in enumerate(poses)
    ]
    return residual_flow(room.scene, frames, [pose @ offset for pose in poses])


def test_a_shift_of_the_image_is_measured(room):
    # The camera is higher than assumed: the wall appears 1.5 pixels lower.
    offset = np.eye(4)
    angle = 1.5 / CAMERA.fy
    offset[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    flow = flow_of(room, offset)
    assert flow.metrics()['median_px'] == pytest.approx(1.5, abs=0.15)
    mean = np.median(flow.vectors, axis=0)
    assert abs(mean[0]) < 0.1
    assert abs(abs(mean[1]) - 1.5) < 0.15


def test_at_the_right_pose_nothing_remains(room):
    flow = flow_of(room, np.eye(4))
    assert flow.metrics()['median_px'] < 0.1
    assert flow.metrics()['steady_median_px'] < 0.06


def test_where_nothing_is_answered_there_is_no_flow(room):
    frame = Frame(1, room.view(pose_at(0)), CAMERA)
    assert residual_flow(room.scene, [frame], [None]) is None
