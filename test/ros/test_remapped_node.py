"""The node over DDS: in a namespace, remapped, with compressed images and no start pose."""

import signal
import time
from collections.abc import Callable, Iterator

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped, TransformStamped
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_srvs.srv import Trigger
from support.patience import LONG_S
from support.small_room import SmallRoom, error, pose_at
from support.station import (
    NodeProcess,
    Station,
    camera_info,
    compressed_message,
    matrix,
    stamp_ns,
)
from tf2_msgs.msg import TFMessage

from mesh_reloc_ros.ros.conversions import pose_to_message

BEST_EFFORT = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)


@pytest.fixture(scope='module')
def process(room: SmallRoom) -> Iterator[NodeProcess]:
    process = NodeProcess(
        '-r', '__ns:=/robot',
        '-r', 'image_rect:=/front/image_rect',
        '-r', 'camera_info:=/front/camera_info',
        '-p', f'mesh:={room.mesh}',
        '-p', 'image_transport:=compressed',
        '-p', 'map_frame:=site',
        '-p', 'camera_frame:=eye',
        '-p', 'image_timeout:=1.0',
        '-p', 'diagnostics_period:=0.1',
        '-p', 'aligment.levels:=3',
        '-p', 'relocalization.enabled:=false',
    )  # fmt: skip
    yield process
    process.kill()


def test_a_misspelt_parameter_is_reported(process: NodeProcess):
    process.wait_for_line('[WARN]', 'unknown parameter aligment.levels')


def test_a_topic_without_a_publisher_is_named(process: NodeProcess):
    process.wait_for_line(
        '[WARN]', 'no image', '/front/image_rect/compressed', 'publishers there: none'
    )
    process.wait_for_line('[WARN]', 'no camera_info', '/front/camera_info')


def test_where_images_come_by_the_other_transport_only_that_is_said(
    process: NodeProcess, station: Station
):
    raw = station.node.create_publisher(Image, '/front/image_rect', 5)
    process.wait_for_line('[WARN]', '/front/image_rect is there', 'image_transport to raw')
    station.node.destroy_publisher(raw)


def test_a_best_effort_publisher_is_found_and_named(process: NodeProcess, station: Station):
    silent = station.node.create_publisher(
        CompressedImage, '/front/image_rect/compressed', BEST_EFFORT
    )
    process.wait_for_line('now asking for best_effort')
    process.wait_for_line('[WARN]', 'no image', '/station (best_effort, volatile)', 'LARGE_DATA')
    station.node.destroy_publisher(silent)


def test_poses_come_in_the_namespace_once_a_start_pose_is_given(
    process: NodeProcess, station: Station, room: SmallRoom
):
    create = station.node.create_publisher
    images = create(CompressedImage, '/front/image_rect/compressed', BEST_EFFORT)
    infos = create(CameraInfo, '/front/camera_info', BEST_EFFORT)
    start_poses = create(PoseWithCovarianceStamped, '/robot/initialpose', 5)
    poses = station.listen(PoseStamped, '/robot/mesh_reloc/pose')
    transforms = station.listen(TFMessage, '/tf', 100)
    diagnostics = station.listen(DiagnosticArray, '/diagnostics')
    process.wait_for_line('ready: /front/image_rect/compressed and /front/camera_info')
    for publisher in (images, infos, start_poses):
        station.wait_until(lambda p=publisher: p.get_subscription_count() > 0, 'a subscription')

    view = room.view(pose_at(0))

    def show_until(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + LONG_S
        while not station.spin_until(condition, 0.2):
            assert time.monotonic() < deadline
            message = compressed_message(view, station.next_stamp_ns())
            info = camera_info()
            info.header = message.header
            infos.publish(info)
            images.publish(message)

    show_until(lambda: diagnostics and 'no start pose' in diagnostics[-1].status[0].message)
    assert diagnostics[-1].status[0].level == DiagnosticStatus.WARN
    assert not poses
    for service in ('reset', 'relocalize'):
        answer = station.call(Trigger, f'/robot/mesh_reloc/{service}')
        assert not answer.success
        assert 'no start pose' in answer.message

    start = PoseWithCovarianceStamped()
    start.header.frame_id = 'site'
    start.pose.pose = pose_to_message(pose_at(0.3))
    start_poses.publish(start)
    process.wait_for_line('start pose from initialpose')

    def poses_and_transforms() -> list[tuple[PoseStamped, TransformStamped]]:
        """Return the poses whose transforms have come as well."""
        by_stamp = {stamp_ns(pose): pose for pose in poses}
        heard = [each for message in transforms for each in message.transforms]
        return [(by_stamp[stamp_ns(t)], t) for t in heard if stamp_ns(t) in by_stamp]

    show_until(poses_and_transforms)
    pose, transform = poses_and_transforms()[0]
    assert pose.header.frame_id == 'site'
    distance, angle = error(matrix(pose.pose.position, pose.pose.orientation), pose_at(0))
    assert distance < 0.01
    assert angle < 0.3
    assert (transform.header.frame_id, transform.child_frame_id) == ('site', 'eye')


def test_sigterm_ends_with_status_zero(process: NodeProcess):
    process.wait_for_line('ready')
    assert process.end(signal.SIGTERM) == 0
    assert not process.count('Traceback')
