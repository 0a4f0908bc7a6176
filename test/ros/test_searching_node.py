"""The node over DDS without a start pose: it finds the camera by itself."""

import signal
from collections.abc import Iterator

import pytest
from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import CameraInfo, Image
from support.small_room import SmallRoom, error, looking, pose_at
from support.station import NodeProcess, Station, camera_info, image_message, matrix

from mesh_reloc_ros.relocalize.cache import cache_file


@pytest.fixture(scope='module')
def process(room: SmallRoom) -> Iterator[NodeProcess]:
    process = NodeProcess(
        '-p', f'mesh:={room.mesh}',
        '-p', 'relocalization.max_viewpoints:=600',
    )  # fmt: skip
    yield process
    process.kill()


def test_the_camera_is_found_wherever_it_is(
    process: NodeProcess, station: Station, room: SmallRoom
):
    images = station.node.create_publisher(Image, 'image_rect', 5)
    infos = station.node.create_publisher(CameraInfo, 'camera_info', 5)
    poses = station.listen(PoseStamped, 'mesh_reloc/pose')
    process.wait_for_line('ready')
    assert cache_file(room.mesh).is_file()
    for publisher in (images, infos):
        station.wait_until(lambda p=publisher: p.get_subscription_count() > 0, 'a subscription')
    elsewhere = looking((0.6, -1.2, 1.4), heading_deg=60.0, down_deg=10.0)
    for truth in (pose_at(0), elsewhere):
        poses.clear()
        while not poses:
            image = image_message(room.view(truth), station.next_stamp_ns())
            info = camera_info()
            info.header = image.header
            infos.publish(info)
            images.publish(image)
            station.spin(0.1)
        distance, angle = error(matrix(poses[0].pose.position, poses[0].pose.orientation), truth)
        assert distance < 0.01
        assert angle < 0.3


def test_ctrl_c_ends_with_status_zero(process: NodeProcess):
    assert process.end(signal.SIGINT) == 0
    assert not process.count('Traceback')
