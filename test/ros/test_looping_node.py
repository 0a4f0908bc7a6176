"""A recording that plays again: the camera is taken up where it was at that time."""

import time
from collections.abc import Iterator

import numpy as np
import pytest
from geometry_msgs.msg import PoseWithCovarianceStamped
from nav_msgs.msg import Path
from rclpy.qos import DurabilityPolicy, QoSProfile
from support.lifecycle import set_parameters
from support.live_camera import LiveCamera
from support.small_room import CAMERA, SmallRoom, looking, pose_at
from support.station import NodeProcess, image_message, stamp_ns, start_at

from mesh_reloc_ros.ros.conversions import pose_to_message
from mesh_reloc_ros.types.pose import pose_to_numbers

S = 10**9
ELSEWHERE = looking((0.6, -1.2, 1.4), heading_deg=60.0, down_deg=10.0)


@pytest.fixture(scope='module')
def process(room: SmallRoom) -> Iterator[NodeProcess]:
    process = NodeProcess(
        '-p', f'mesh:={room.mesh}',
        '-p', start_at(pose_at(0)),
        # So that only a start pose helps.
        '-p', 'relocalization.enabled:=false',
        '-p', 'save_pose_period:=0.0',
        '-p', 'diagnostics_period:=0.1',
    )  # fmt: skip
    yield process
    process.kill()


def test_wound_back_to_the_middle_it_is_found_at_once(camera: LiveCamera, process: NodeProcess):
    begin = camera.station.next_stamp_ns()
    # A hundred milliseconds for every three steps, up to where the start pose is of no use.
    stamps = {step: begin + step * S // 30 for step in range(0, 61, 3)}
    for step, stamp in stamps.items():
        camera.wait_for_pose(camera.show(pose_at(step), stamp))
    # A single old image would be one that is late.
    camera.show(pose_at(24), stamps[24])
    for step in (27, 30, 33):
        assert camera.wait_for_error(camera.show(pose_at(step), stamps[step]))[0] < 0.01
    assert process.count('time went back in the images')


def test_the_path_begins_anew(camera: LiveCamera):
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    paths = camera.station.listen(Path, 'mesh_reloc/path', latched)
    begin = camera.newest
    camera.show_until(lambda: paths, pose_at(33.1), after=begin, step_ns=S // 300)
    assert len(paths[-1].poses) < 10
    assert stamp_ns(paths[-1].poses[0]) < begin


def test_a_start_pose_of_a_user_comes_before_where_the_camera_was(
    camera: LiveCamera, process: NodeProcess
):
    seen = sorted(set(camera.stamps()))
    start = PoseWithCovarianceStamped()
    start.header.frame_id = 'map'
    start.pose.pose = pose_to_message(ELSEWHERE)
    before = len(process.lines)
    camera.start_poses.publish(start)
    process.wait_for_line('start pose from initialpose', after=before)
    newest = camera.newest
    black = np.zeros((CAMERA.height, CAMERA.width, 3), np.uint8)
    times = [stamp for stamp in seen if stamp > newest]
    for stamp in times[:3]:
        camera.send(image_message(black, stamp))
    assert camera.wait_for_error(camera.show(ELSEWHERE, times[3]))[0] < 0.01


def test_a_live_camera_whose_clock_is_set_back_goes_on(camera: LiveCamera, process: NodeProcess):
    now = time.time_ns()
    assert set_parameters(camera.station, initial_pose=pose_to_numbers(pose_at(0)).tolist()) == ''
    for number in range(21):
        stamp = camera.show(pose_at(3 * number), now + number * S // 10)
        camera.wait_for_pose(stamp)
    before = len(process.lines)
    # The first is left out, as it might be a single image that is late.
    for number in range(3):
        stamp = camera.show(pose_at(60 + 0.02 * number), now - S + number * S // 10)
    assert camera.wait_for_error(stamp)[0] < 0.01
    process.wait_for_line('time went back', 'from the last trusted pose', after=before)
