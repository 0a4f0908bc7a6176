"""A recording that plays again: the camera is taken up where it was at that time."""

from collections.abc import Iterator

import pytest
from live_camera import LiveCamera
from nav_msgs.msg import Path
from rclpy.qos import DurabilityPolicy, QoSProfile
from small_room import SmallRoom, pose_at
from station import NodeProcess, stamp_ns, start_at

S = 10**9


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
    for step in (27, 30, 33):
        count = camera.stamps().count(stamps[step])
        camera.show(pose_at(step), stamps[step])
        camera.station.wait_until(
            lambda n=count, s=stamps[step]: camera.stamps().count(s) > n, 'a pose'
        )
        pose = camera.poses[-1].pose
        assert abs(pose.position.x - pose_at(step)[0, 3]) < 0.01
    assert process.count('time went back in the images')


def test_the_path_begins_anew(camera: LiveCamera):
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    paths = camera.station.listen(Path, 'mesh_reloc/path', latched)
    begin = camera.stamps()[-1]
    for number in range(1, 60):
        camera.show(pose_at(33 + number / 10), begin + number * S // 300)
        if paths:
            break
    assert len(paths[-1].poses) < 10
    assert stamp_ns(paths[-1].poses[0]) < begin
