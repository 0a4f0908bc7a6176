"""A camera that is started after the node, and offers best effort, over DDS."""

import time
from collections.abc import Iterator

import pytest
from geometry_msgs.msg import PoseStamped
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image
from support.patience import LONG_S
from support.small_room import SmallRoom, pose_at
from support.station import NodeProcess, Station, camera_info, image_message, start_at

BEST_EFFORT = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)


@pytest.fixture
def process(room: SmallRoom) -> Iterator[NodeProcess]:
    process = NodeProcess(
        '-p', f'mesh:={room.mesh}',
        '-p', start_at(pose_at(0)),
        # Longer than a busy machine takes to receive the first image.
        '-p', 'image_timeout:=5.0',
        '-p', 'relocalization.enabled:=false',
        '-p', 'save_pose_period:=0.0',
        '-p', 'use_sim_time:=false',
    )  # fmt: skip
    yield process
    process.kill()


def test_it_is_received_without_another_warning(
    process: NodeProcess, station: Station, room: SmallRoom
):
    process.wait_for_line('[WARN]', 'no image', 'publishers there: none')
    process.wait_for_line('[WARN]', 'no camera_info', 'publishers there: none')
    before = process.count('WARN')
    poses = station.listen(PoseStamped, 'mesh_reloc/pose')
    images = station.node.create_publisher(Image, 'image_rect', BEST_EFFORT)
    infos = station.node.create_publisher(CameraInfo, 'camera_info', BEST_EFFORT)
    # It takes a while to begin, as drivers do.
    process.wait_for_line('image_rect: now asking for best_effort')
    station.spin(0.5)
    deadline = time.monotonic() + LONG_S
    while not station.spin_until(lambda: poses, 0.1):
        assert time.monotonic() < deadline
        image, info = image_message(room.view(pose_at(0)), time.time_ns()), camera_info()
        info.header = image.header
        infos.publish(info)
        images.publish(image)
    process.wait_for_line('image arrives')
    process.wait_for_line('camera_info arrives')
    assert process.count('WARN') == before
