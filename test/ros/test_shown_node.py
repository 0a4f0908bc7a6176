"""What is seen and set while the node runs: path, overlay, parameters, diagnostics; one process."""

import signal
import time
from collections.abc import Iterator

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped
from nav_msgs.msg import Path
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import Image
from support.lifecycle import set_parameters
from support.live_camera import LiveCamera
from support.patience import LONG_S
from support.small_room import CAMERA, SmallRoom, error, looking, pose_at
from support.station import (
    FEW_VIEWS,
    NodeProcess,
    Station,
    image_message,
    matrix,
    stamp_ns,
    start_at,
)
from tf2_ros import StaticTransformBroadcaster
from visualization_msgs.msg import Marker

from mesh_reloc_ros.ros.conversions import pose_to_message, transform_from_pose
from mesh_reloc_ros.types.estimate import Rejection, State
from mesh_reloc_ros.types.pose import pose_to_numbers

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


@pytest.fixture(scope='module')
def process(room: SmallRoom) -> Iterator[NodeProcess]:
    process = NodeProcess(
        '-p', f'mesh:={room.mesh}',
        '-p', start_at(pose_at(0)),
        '-p', FEW_VIEWS,
        '-p', 'diagnostics_period:=0.1',
        '-p', 'save_pose_period:=0.0',
        '-p', 'path_length:=6',
    )  # fmt: skip
    yield process
    process.kill()


def test_the_path_holds_the_way_and_stays_short(camera: LiveCamera, station: Station):
    truths = [pose_at(step) for step in range(12)]
    for truth in truths:
        camera.wait_for_pose(camera.show(truth))
    paths = station.listen(Path, 'mesh_reloc/path', LATCHED)
    camera.show_until(lambda: paths, pose_at(11))
    path = paths[-1]
    assert path.header.frame_id == 'map'
    assert 3 <= len(path.poses) <= 6
    stamps = [stamp_ns(pose) for pose in path.poses]
    assert stamps == sorted(stamps)
    first = matrix(path.poses[0].pose.position, path.poses[0].pose.orientation)
    assert error(first, truths[0])[0] < 0.01
    places = {pose.pose.position.x for pose in path.poses}
    assert max(places) - min(places) > 0.2


def test_one_who_comes_later_sees_the_path_at_once(station: Station):
    paths = station.listen(Path, 'mesh_reloc/path', LATCHED)
    station.wait_until(lambda: bool(paths), 'the path')
    assert len(paths[0].poses) >= 3


def test_one_who_comes_later_gets_the_last_pose_at_once(camera: LiveCamera, station: Station):
    stamp = camera.show_until_found(pose_at(11))
    for topic, kind in (('pose', PoseStamped), ('pose_with_covariance', PoseWithCovarianceStamped)):
        heard = station.listen(kind, f'mesh_reloc/{topic}', LATCHED)
        station.wait_until(lambda heard=heard: heard and stamp_ns(heard[-1]) >= stamp, topic)


def test_the_mesh_is_shown_again_and_again(station: Station, room: SmallRoom):
    # RViz forgets it when time jumps back.
    markers = station.listen(Marker, 'mesh_reloc/mesh')
    station.wait_until(lambda: len(markers) >= 2, 'the mesh')
    for marker in markers:
        assert (marker.header.frame_id, marker.action) == ('map', Marker.ADD)
        assert marker.mesh_resource == room.mesh.as_uri()


def test_the_overlay_changes_with_its_mode(camera: LiveCamera, station: Station):
    overlays: list[Image] = []
    station.node.create_subscription(Image, 'mesh_reloc/overlay', overlays.append, 1)
    pixels = {}
    for mode in ('edges', 'tint', 'difference', 'side_by_side'):
        assert set_parameters(station, overlay__mode=mode) == ''
        since = station.next_stamp_ns()

        def drawn(since: int = since) -> list[Image]:
            # Those of images before may have been drawn in the mode before.
            return [overlay for overlay in overlays if stamp_ns(overlay) > since]

        camera.show_until(drawn, pose_at(11))
        overlay = drawn()[0]
        assert overlay.encoding == 'rgb8'
        assert overlay.header.frame_id == 'camera_optical'
        pixels[mode] = np.frombuffer(overlay.data, np.uint8).reshape(overlay.height, -1, 3)
    wide = pixels.pop('side_by_side')
    assert wide.shape[1] / wide.shape[0] > 1.5 * CAMERA.width / CAMERA.height
    for a, b in (('edges', 'tint'), ('tint', 'difference'), ('edges', 'difference')):
        assert np.abs(pixels[a].astype(int) - pixels[b]).mean() > 2


def test_a_threshold_acts_at_once(camera: LiveCamera, station: Station):
    camera.wait_for_pose(camera.show(pose_at(11.05)))
    assert (
        set_parameters(station, tracking__min_score=1.0, tracking__acquisition_min_score=1.0) == ''
    )
    published = camera.published()
    camera.show(pose_at(11.1))
    assert camera.published() == published
    assert 'the correlation of image and render is' in camera.status().message
    assert (
        set_parameters(station, tracking__min_score=0.65, tracking__acquisition_min_score=0.7) == ''
    )
    camera.wait_for_pose(camera.show(pose_at(11.2)))


@pytest.mark.parametrize(
    ('values', 'reason'),
    [
        ({'tracking__min_score': 7.0}, 'out of range'),
        ({'overlay__mode': 'loud'}, 'expected one of edges, tint, side_by_side, difference'),
        ({'mesh': '/other.obj'}, 'is read when the node is configured'),
        ({'autostart': False}, 'read-only'),
    ],
)
def test_a_bad_change_is_refused_with_the_reason(station: Station, values, reason):
    assert reason in set_parameters(station, **values)


def test_the_period_of_the_diagnostics_changes(camera: LiveCamera, station: Station):
    assert set_parameters(station, diagnostics_period=60.0) == ''

    def is_silent() -> bool:
        camera.diagnostics.clear()
        station.spin(0.5)
        return not camera.diagnostics

    station.wait_until(is_silent, 'silence')
    assert set_parameters(station, diagnostics_period=0.1) == ''
    camera.wait_for_new_diagnostics()


def test_programs_read_the_state(camera: LiveCamera, station: Station):
    camera.wait_for_pose(camera.show(pose_at(11)))
    statuses = station.listen(DiagnosticStatus, 'mesh_reloc/status', LATCHED)

    def values() -> dict[str, str]:
        return {value.key: value.value for value in statuses[-1].values}

    station.wait_until(lambda: statuses, 'the latched status')
    assert (statuses[-1].level, statuses[-1].message) == (DiagnosticStatus.OK, 'TRACKING')
    assert statuses[-1].name == 'mesh_reloc: tracking'
    assert values()['node'] == 'active'
    assert (values()['state'], values()['rejection']) == (State.TRACKING.name, '')
    assert float(values()['score']) > 0.8
    assert float(values()['last trusted pose [s]']) >= 0.0
    camera.send(
        image_message(np.zeros_like(camera.room.view(pose_at(11))), station.next_stamp_ns())
    )
    station.wait_until(lambda: values()['state'] == State.UNSURE.name, 'a change')
    assert values()['rejection'] in Rejection.__members__
    station.wait_until(lambda: float(values()['last trusted pose [s]']) > 0.3, 'time to pass')


def test_the_diagnostics_say_what_a_person_wants_to_know(camera: LiveCamera, station: Station):
    overlays = station.listen(Image, 'mesh_reloc/overlay', 1)
    camera.show_until(lambda: overlays, pose_at(11))
    camera.wait_for_pose(camera.show(pose_at(11)))
    assert camera.status().message == 'TRACKING'
    assert camera.status().level == DiagnosticStatus.OK
    assert 0.9 < float(camera.value('coverage')) <= 1
    assert float(camera.value('score')) > 0.8
    assert 0 < float(camera.value('sigma x [m]')) < 0.1
    assert float(camera.value('latency p50 [ms]')) > 0
    assert float(camera.value('solve [ms]')) > 0
    assert camera.value('device') == 'cpu'
    assert 100 < float(camera.value('memory [MB]')) <= float(camera.value('memory peak [MB]'))
    assert camera.count('images received') >= camera.count('images tracked') > 0
    assert camera.count('images dropped') == 0
    assert camera.count('overlays published') > 0


def test_a_2d_pose_from_rviz_is_refined_over_its_covariance(
    camera: LiveCamera, process: NodeProcess, station: Station
):
    truth = pose_at(11)
    forward = truth[:3, 2]
    half = (np.arctan2(forward[1], forward[0]) + np.radians(20)) / 2
    message = PoseWithCovarianceStamped()
    message.header.frame_id = 'map'
    message.pose.pose.position.x = truth[0, 3] + 0.4
    message.pose.pose.position.y = truth[1, 3] - 0.4
    message.pose.pose.orientation.z, message.pose.pose.orientation.w = np.sin(half), np.cos(half)
    # What RViz sends.
    message.pose.covariance[0] = message.pose.covariance[7] = 0.25
    message.pose.covariance[35] = 0.06853892326654787
    camera.start_poses.publish(message)
    process.wait_for_line('start pose from initialpose', 'a 2-D pose: height and tilt are kept')
    assert camera.wait_for_error(camera.show_until_found(truth))[0] < 0.02


def test_a_start_pose_may_be_in_a_frame_that_is_fixed_to_the_map(
    camera: LiveCamera, process: NodeProcess, station: Station
):
    map_T_floor = looking((0.5, -0.3, 0.2), heading_deg=30.0, down_deg=0.0)
    StaticTransformBroadcaster(station.node).sendTransform(
        transform_from_pose(map_T_floor, 0, 'map', 'floor')
    )
    truth = pose_at(11)
    message = PoseWithCovarianceStamped()
    message.header.frame_id = 'floor'
    message.pose.pose = pose_to_message(np.linalg.inv(map_T_floor) @ truth)
    numbers = ' '.join(f'{number:.3f}' for number in pose_to_numbers(truth))
    deadline = time.monotonic() + LONG_S
    # Until the node has heard of the frame.
    while not process.count(f'start pose from initialpose: {numbers}'):
        assert time.monotonic() < deadline
        camera.start_poses.publish(message)
        station.spin(0.2)


def test_ctrl_c_ends_with_status_zero(camera: LiveCamera, process: NodeProcess):
    assert process.end(signal.SIGINT) == 0
    assert not process.count('Traceback')
