import numpy as np
from support.small_room import pose_at
from support.station import image_message, matrix, stamp_ns

from mesh_reloc_ros.messages.poses import pose_from_transform
from mesh_reloc_ros.ros._frames import frame_reader
from mesh_reloc_ros.ros.conversions import (
    estimate_to_pose,
    image_from_rgb,
    transform_from_pose,
    with_covariance,
)
from mesh_reloc_ros.types.estimate import PoseEstimate, State

STAMP_NS = 1_700_000_123_456_789_012
COLOURS = np.random.default_rng(4).integers(0, 256, (8, 12, 3), np.uint8)


def test_an_overlay_comes_back_as_it_was():
    header = image_message(COLOURS, STAMP_NS).header
    image = image_from_rgb(COLOURS, header)
    np.testing.assert_array_equal(frame_reader(rectify=False).rgb(image), COLOURS)
    assert image.header == header


def test_an_estimate_is_the_same_pose_in_all_its_messages():
    covariance = np.diag([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) + 0.1
    estimate = PoseEstimate(STAMP_NS, State.TRACKING, None, '', pose_at(3), covariance)
    pose = estimate_to_pose(estimate, 'site')
    uncertain = with_covariance(pose, covariance)
    transform = transform_from_pose(estimate.map_T_camera, STAMP_NS, 'site', 'eye')
    for converted in (pose, uncertain, transform):
        assert stamp_ns(converted) == STAMP_NS
        assert converted.header.frame_id == 'site'
    assert transform.child_frame_id == 'eye'
    np.testing.assert_allclose(matrix(pose.pose.position, pose.pose.orientation), pose_at(3))
    assert uncertain.pose.pose == pose.pose
    np.testing.assert_array_equal(uncertain.pose.covariance, covariance.ravel())
    moved = transform.transform
    np.testing.assert_allclose(matrix(moved.translation, moved.rotation), pose_at(3))
    np.testing.assert_allclose(pose_from_transform(moved), pose_at(3))
