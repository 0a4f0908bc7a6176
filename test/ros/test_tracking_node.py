"""The node over DDS, with raw images and a start pose by parameter; one process for all tests."""

import signal
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import PoseWithCovarianceStamped
from numpy.typing import NDArray
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger
from support.lifecycle import set_parameters
from support.live_camera import LiveCamera
from support.small_room import CAMERA, SmallRoom, pose_at
from support.station import (
    NodeProcess,
    camera_info,
    image_message,
    matrix,
    stamp_ns,
    stamped,
    start_at,
)
from visualization_msgs.msg import Marker

from mesh_reloc_ros.ros._frames import frame_reader
from mesh_reloc_ros.ros.conversions import pose_to_message
from mesh_reloc_ros.ros.publishing import publish
from mesh_reloc_ros.types.pose import pose_to_numbers

START = pose_at(0.4)
"""The start pose that the node is given: near that of the first image, not on it."""


@pytest.fixture(scope='module')
def process(room: SmallRoom) -> Iterator[NodeProcess]:
    process = NodeProcess(
        '-p', f'mesh:={room.mesh}',
        '-p', start_at(START),
        '-p', 'diagnostics_period:=0.1',
        '-p', 'tracking.lost_after:=2',
    )  # fmt: skip
    yield process
    process.kill()


@pytest.fixture
def tracking(camera: LiveCamera) -> Callable[[], None]:
    """Bring the node to track the first image's pose, whatever was before."""

    def start() -> None:
        camera.station.call(Trigger, 'mesh_reloc/reset')
        camera.wait_for_pose(camera.show(pose_at(0)))

    start()
    return start


def test_poses_come_back_right_with_the_stamps_of_their_images(camera: LiveCamera):
    published = camera.count('poses published')
    for stamp in [camera.show(pose_at(step)) for step in range(6)]:
        distance, angle = camera.wait_for_error(stamp)
        assert distance < 0.01
        assert angle < 0.3
    assert {pose.header.frame_id for pose in camera.poses} == {'map'}
    assert camera.status().level == DiagnosticStatus.OK
    assert camera.status().message == 'TRACKING'
    assert camera.count('poses published') == published + 6


def test_tf_and_the_pose_with_covariance_say_the_same(camera: LiveCamera, tracking):
    stamp = camera.show(pose_at(1))
    pose = camera.wait_for_pose(stamp)
    covariance = camera.station.wait_for_stamp(camera.covariances, stamp).pose
    np.testing.assert_allclose(
        matrix(covariance.pose.position, covariance.pose.orientation), pose, atol=1e-12
    )
    spread = np.linalg.eigvalsh(covariance.covariance.reshape(6, 6))
    assert np.isfinite(spread).all()
    assert spread.min() > 0
    assert np.sqrt(spread.max()) < 0.1
    transform = camera.wait_for_transform(stamp)
    assert transform.header.frame_id == 'map'
    moved = matrix(transform.transform.translation, transform.transform.rotation)
    np.testing.assert_allclose(moved, pose, atol=1e-12)


def test_the_mesh_waits_for_rviz(camera: LiveCamera, room: SmallRoom):
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    markers = camera.station.listen(Marker, 'mesh_reloc/mesh', latched)
    camera.station.wait_until(lambda: bool(markers), 'the mesh')
    assert markers[0].mesh_resource == room.mesh.as_uri()
    assert markers[0].mesh_use_embedded_materials
    assert markers[0].header.frame_id == 'map'
    assert markers[0].frame_locked


def test_overlays_are_drawn_only_while_someone_subscribes(camera: LiveCamera, tracking):
    camera.show(pose_at(1))
    assert camera.count('overlays published') == 0
    overlays: list[Image] = []
    listener = camera.station.node.create_subscription(
        Image, 'mesh_reloc/overlay', overlays.append, 1
    )
    publishers = camera.station.node.get_publishers_info_by_topic
    camera.station.wait_until(lambda: publishers('/mesh_reloc/overlay'), 'the publisher')
    camera.show_until(lambda: overlays, pose_at(1))
    drawn = frame_reader(rectify=False).rgb(overlays[0])
    assert drawn.shape == (CAMERA.height, CAMERA.width, 3)
    # Somewhere it differs from its image, and elsewhere it is the image with a tint at most.
    image = camera.view_of(stamp_ns(overlays[0]))
    difference = np.abs(drawn.astype(int) - image).max(-1)
    assert (difference > 60).mean() > 0.01
    assert np.median(difference) < 40

    camera.station.node.destroy_subscription(listener)

    counts: list[int] = []

    def none_is_drawn() -> bool:
        counts.append(camera.count('overlays published'))
        return len(counts) >= 5 and len(set(counts[-5:])) == 1

    camera.show_until(none_is_drawn, pose_at(1))


def test_a_flood_of_images_is_dropped_and_the_newest_is_tracked(camera: LiveCamera, tracking):
    before = camera.count('images dropped')
    view = image_message(camera.room.view(pose_at(0)), 0)
    for number in range(300):
        stamp = camera.station.next_stamp_ns()
        # One pixel is another, as a camera that hangs is not believed.
        view.data[number] ^= 1
        while not publish(camera.station.node, camera.images.publish, stamped(view, stamp)):
            pass
    camera.wait_for_pose(stamp)
    camera.station.wait_until(lambda: camera.count('images dropped') > before, 'dropped images')
    # What is shown next is not behind a queue.
    camera.wait_for_pose(camera.show(pose_at(0.1)))


@pytest.mark.parametrize('kind', ['black', 'noise'])
def test_an_image_of_something_else_gives_no_pose(camera: LiveCamera, tracking, kind):
    noise = np.random.default_rng(5).integers(0, 256, (CAMERA.height, CAMERA.width, 3), np.uint8)
    other = {'black': np.zeros_like(noise), 'noise': noise}[kind]
    published = camera.published()
    for _ in range(3):
        camera.send(image_message(other, camera.station.next_stamp_ns()))
    assert camera.status().level == DiagnosticStatus.ERROR
    assert camera.status().message.startswith('LOST: ')
    assert camera.published() == published


def change(**fields: Any) -> Callable[[Any], None]:
    """Return what sets fields of a message, nested ones with two underscores."""

    def spoil(message: Any) -> None:
        for name, value in fields.items():
            *path, last = name.split('__')
            target = message
            for part in path:
                target = getattr(target, part)
            setattr(target, last, value)

    return spoil


def unchanged(_: Any) -> None:
    pass


@pytest.mark.parametrize(
    ('spoil_image', 'spoil_info', 'reason'),
    [
        (change(encoding='nonsense'), unchanged, "encoding 'nonsense'"),
        (change(height=10), unchanged, '320x10, cannot be read'),
        (unchanged, change(k=[float('nan')] * 9), 'not finite'),
        (unchanged, change(k=[0.0] * 9), 'K[0] is 0'),
        (unchanged, change(width=640), '320x240 but camera_info says 640x240'),
    ],
)
def test_bad_input_is_reported_once_and_the_next_image_is_tracked(
    camera: LiveCamera, process: NodeProcess, tracking, spoil_image, spoil_info, reason
):
    published = camera.published()
    for _ in range(3):
        image = image_message(camera.room.view(pose_at(0)), camera.station.next_stamp_ns())
        info = camera_info()
        info.header = image.header
        spoil_image(image)
        spoil_info(info)
        camera.send(image, info)
        assert camera.status().level == DiagnosticStatus.ERROR
        assert reason in camera.status().message
    assert camera.published() == published
    process.wait_for_line('[ERROR]', reason)
    camera.wait_for_pose(camera.show(pose_at(0)))
    assert process.count(reason) == 1
    assert camera.status().level == DiagnosticStatus.OK


@pytest.mark.parametrize('frame', ['', 'map'])
def test_an_image_without_a_frame_of_its_own_gives_a_pose_but_no_tf(
    camera: LiveCamera, process: NodeProcess, tracking, frame
):
    stamp = camera.station.next_stamp_ns()
    image = image_message(camera.room.view(pose_at(0)), stamp)
    image.header.frame_id = frame
    camera.send(image)
    camera.wait_for_pose(stamp)
    process.wait_for_line('[WARN]', 'no TF', 'set the parameter camera_frame')
    camera.wait_for_transform(camera.show(pose_at(0)))
    assert stamp not in [stamp_ns(transform) for transform in camera.transforms()]


def start_message(pose: NDArray[np.float64]) -> PoseWithCovarianceStamped:
    message = PoseWithCovarianceStamped()
    message.header.frame_id = 'map'
    message.pose.pose = pose_to_message(pose)
    return message


def test_tracking_starts_anew_from_initialpose(camera: LiveCamera, process: NodeProcess, tracking):
    camera.start_poses.publish(start_message(pose_at(20)))
    logged = process.wait_for_line('start pose from initialpose')
    assert ' '.join(f'{number:.3f}' for number in pose_to_numbers(pose_at(20))) in logged
    assert camera.wait_for_error(camera.show(pose_at(20.3)))[0] < 0.01
    # What was given last is what reset returns to.
    camera.station.call(Trigger, 'mesh_reloc/reset')
    camera.wait_for_pose(camera.show(pose_at(20)))
    camera.start_poses.publish(start_message(START))
    process.wait_for_line('start pose from initialpose', f'{START[0, 3]:.3f}')


@pytest.mark.parametrize(
    ('spoil', 'reason'),
    [
        (
            change(header__frame_id='odom'),
            "frame 'odom', which has no static transform to 'map'",
        ),
        (change(pose__pose__position__x=float('nan')), 'initialpose: pose: not all of'),
        (change(pose__pose__orientation__w=0.0), 'initialpose: pose: the quaternion is zero'),
    ],
)
def test_a_bad_initialpose_is_refused_and_tracking_goes_on(
    camera: LiveCamera, process: NodeProcess, tracking, spoil, reason
):
    message = start_message(np.eye(4))
    spoil(message)
    camera.start_poses.publish(message)
    process.wait_for_line('[ERROR]', reason)
    camera.station.wait_until(lambda: reason in camera.status().message, 'the reason')
    camera.wait_for_pose(camera.show(pose_at(0)))


def test_the_services_say_what_they_did(camera: LiveCamera, tracking):
    answer = camera.station.call(Trigger, 'mesh_reloc/relocalize')
    assert answer.success
    assert 'a search of the whole mesh' in answer.message
    assert camera.wait_for_error(camera.show_until_found(pose_at(0)))[0] < 0.01
    answer = camera.station.call(Trigger, 'mesh_reloc/reset')
    assert answer.success
    assert 'from the pose from initialpose' in answer.message
    camera.wait_for_pose(camera.show(pose_at(0)))


def test_when_a_bag_plays_again_the_last_pose_is_forgotten(
    camera: LiveCamera, process: NodeProcess, tracking
):
    stamp = camera.station.next_stamp_ns() - 60 * 10**9
    black = np.zeros((CAMERA.height, CAMERA.width, 3), np.uint8)
    # A single one might be late.
    for _ in range(2):
        stamp += 33_333_333
        camera.send(image_message(black, stamp))
    process.wait_for_line('time went back in the images')
    # From the new time on images are in order again.
    camera.send(image_message(camera.room.view(pose_at(0)), stamp + 33_333_333))
    camera.wait_for_pose(stamp + 33_333_333)


def test_silence_is_explained(camera: LiveCamera, process: NodeProcess):
    assert set_parameters(camera.station, image_timeout=1.0) == ''
    process.wait_for_line(
        '[WARN]', 'no image for 1 s on /image_rect', '/station (reliable, volatile)'
    )
    camera.wait_for_state('no image for 1 s')
    assert camera.status().level == DiagnosticStatus.WARN


def test_ctrl_c_ends_with_status_zero(camera: LiveCamera, process: NodeProcess):
    assert process.end(signal.SIGINT) == 0
    assert not process.count('Traceback')
