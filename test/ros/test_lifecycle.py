"""The managed node over DDS: its transitions, one process for all tests, in their order."""

import signal
from collections.abc import Iterator

import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import PoseWithCovarianceStamped
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import GetState
from std_srvs.srv import Trigger
from support.lifecycle import go, set_parameters
from support.live_camera import LiveCamera
from support.small_room import SmallRoom, pose_at
from support.station import NodeProcess, Station, image_message
from visualization_msgs.msg import Marker

from mesh_reloc_ros.ros.conversions import pose_to_message
from mesh_reloc_ros.types.pose import pose_to_numbers


@pytest.fixture(scope='module')
def process(tmp_path_factory) -> Iterator[NodeProcess]:
    process = NodeProcess(
        '-p', 'autostart:=false',
        '-p', 'mesh:=/no/such/mesh.obj',
        '-p', 'diagnostics_period:=0.1',
        '-p', 'relocalization.enabled:=false',
        '-p', f'saved_pose_file:={tmp_path_factory.mktemp("saved")}/pose.yaml',
    )  # fmt: skip
    yield process
    process.kill()


@pytest.fixture(scope='module')
def camera(process: NodeProcess, station: Station, room: SmallRoom) -> Iterator[LiveCamera]:
    camera = LiveCamera(station, room)
    yield camera
    camera.close()


def state(station: Station) -> int:
    return station.call(GetState, 'mesh_reloc/get_state').current_state.id


def test_it_waits_unconfigured(process: NodeProcess, station: Station, camera: LiveCamera):
    assert state(station) == State.PRIMARY_STATE_UNCONFIGURED
    station.wait_until(lambda: bool(camera.diagnostics), 'diagnostics')
    camera.wait_for_state('unconfigured')
    assert camera.status().level == DiagnosticStatus.OK
    assert not process.count('loading')
    assert process.count('autostart is false: waiting to be configured and activated') == 1
    answer = station.call(Trigger, 'mesh_reloc/reset')
    assert not answer.success
    assert answer.message == 'the node is not configured'


def test_a_mesh_that_cannot_be_loaded_leaves_it_unconfigured(
    process: NodeProcess, station: Station, camera: LiveCamera
):
    assert not go(station, Transition.TRANSITION_CONFIGURE)
    assert state(station) == State.PRIMARY_STATE_UNCONFIGURED
    process.wait_for_line('[ERROR]', '/no/such/mesh.obj')
    camera.wait_for_state('/no/such/mesh.obj')
    assert camera.status().level == DiagnosticStatus.ERROR


def test_with_another_mesh_it_is_configured(
    process: NodeProcess, station: Station, camera: LiveCamera, room: SmallRoom
):
    assert set_parameters(station, mesh=str(room.mesh)) == ''
    assert go(station, Transition.TRANSITION_CONFIGURE)
    assert state(station) == State.PRIMARY_STATE_INACTIVE
    camera.wait_for_state('inactive')
    assert camera.value('mesh') == str(room.mesh)
    assert 'is read when the node is configured' in set_parameters(station, mesh='/other.obj')
    assert camera.images.get_subscription_count() == 0


def test_a_start_pose_given_while_inactive_is_used_when_active(
    process: NodeProcess, station: Station, camera: LiveCamera
):
    start = PoseWithCovarianceStamped()
    start.header.frame_id = 'map'
    start.pose.pose = pose_to_message(pose_at(0.3))
    station.wait_until(lambda: camera.start_poses.get_subscription_count() > 0)
    camera.start_poses.publish(start)
    process.wait_for_line('start pose from initialpose')
    assert go(station, Transition.TRANSITION_ACTIVATE)
    assert state(station) == State.PRIMARY_STATE_ACTIVE
    camera.connect(process)
    assert camera.wait_for_error(camera.show(pose_at(0)))[0] < 0.01


def test_a_transition_that_is_not_possible_changes_nothing(station: Station):
    for transition in (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_CLEANUP):
        assert not go(station, transition)
    assert state(station) == State.PRIMARY_STATE_ACTIVE


def test_a_start_pose_set_as_a_parameter_is_used_at_once(station: Station, camera: LiveCamera):
    far = pose_to_numbers(pose_at(20)).tolist()
    assert set_parameters(station, initial_pose=far) == ''
    camera.wait_for_pose(camera.show(pose_at(20.2)))
    assert set_parameters(station, initial_pose=[]) == ''
    answer = camera.call('reset')
    assert not answer.success
    assert 'no start pose' in answer.message
    assert set_parameters(station, initial_pose=pose_to_numbers(pose_at(0)).tolist()) == ''
    camera.wait_for_pose(camera.show(pose_at(0.1)))


def test_inactive_it_hears_and_says_nothing(station: Station, camera: LiveCamera):
    assert go(station, Transition.TRANSITION_DEACTIVATE)
    station.wait_until(lambda: camera.images.get_subscription_count() == 0, 'no subscription')
    before = len(camera.poses), len(camera.transforms())
    camera.images.publish(image_message(camera.room.view(pose_at(0)), station.next_stamp_ns()))
    camera.wait_for_new_diagnostics()
    assert (len(camera.poses), len(camera.transforms())) == before


def test_thresholds_that_are_set_while_inactive_count(
    process: NodeProcess, station: Station, camera: LiveCamera
):
    strict = {'tracking__min_score': 1.0, 'tracking__acquisition_min_score': 1.0}
    assert set_parameters(station, **strict) == ''
    assert go(station, Transition.TRANSITION_ACTIVATE)
    camera.connect(process)
    stamp = camera.show(pose_at(0))
    assert 'the correlation of image and render is' in camera.status().message
    assert (
        set_parameters(station, tracking__min_score=0.65, tracking__acquisition_min_score=0.75)
        == ''
    )
    camera.wait_for_pose(camera.show(pose_at(0.1)))
    assert stamp not in camera.stamps()
    assert go(station, Transition.TRANSITION_DEACTIVATE)


def test_it_can_be_deactivated_while_an_image_waits_for_its_camera_info(
    process: NodeProcess, station: Station, camera: LiveCamera
):
    for number in range(4):
        assert go(station, Transition.TRANSITION_ACTIVATE)
        camera.connect(process)
        camera.wait_for_pose(camera.show(pose_at(0.1 * number)))
        _, image = camera.messages(pose_at(0.1 * number + 0.05), station.next_stamp_ns())
        camera.publish(image)
        station.spin(0.02)
        assert go(station, Transition.TRANSITION_DEACTIVATE)
    assert not process.count('Traceback')


def test_active_again_it_goes_on_from_where_the_camera_was(
    process: NodeProcess, station: Station, camera: LiveCamera
):
    for steps in (range(22), range(21, -1, -1)):
        assert go(station, Transition.TRANSITION_ACTIVATE)
        camera.connect(process)
        # The way leads farther than the pose of the message reaches.
        for step in steps:
            stamp = camera.show(pose_at(step))
            assert camera.wait_for_error(stamp)[0] < 0.01
        assert go(station, Transition.TRANSITION_DEACTIVATE)


def test_cleaned_up_it_can_be_configured_again(
    process: NodeProcess, station: Station, camera: LiveCamera
):
    markers = station.listen(Marker, 'mesh_reloc/mesh')
    station.wait_until(lambda: bool(markers), 'the mesh')
    assert go(station, Transition.TRANSITION_CLEANUP)
    assert state(station) == State.PRIMARY_STATE_UNCONFIGURED
    station.wait_until(lambda: markers[-1].action == Marker.DELETE, 'the end of the mesh')
    assert markers[-1].header.frame_id == 'map'
    for name in ('pose', 'mesh', 'path', 'overlay'):
        topic = f'/mesh_reloc/{name}'
        station.wait_until(lambda t=topic: station.node.count_publishers(t) == 0, 'its end')
    start = pose_to_numbers(pose_at(0.2)).tolist()
    assert set_parameters(station, initial_pose=start, camera_frame='eye') == ''
    assert go(station, Transition.TRANSITION_CONFIGURE)
    assert go(station, Transition.TRANSITION_ACTIVATE)
    camera.connect(process)
    camera.wait_for_transform(camera.show(pose_at(0)), 'eye')


def test_shut_down_it_is_finalized_and_ends_with_status_zero(
    process: NodeProcess, station: Station
):
    assert go(station, Transition.TRANSITION_ACTIVE_SHUTDOWN)
    assert state(station) == State.PRIMARY_STATE_FINALIZED
    assert process.end(signal.SIGINT) == 0
    assert not process.count('Traceback')
