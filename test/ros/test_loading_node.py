"""While the node loads it answers, says what it does, and can be ended; over DDS.

Loading waits for the reference cameras: their file is a pipe that the test writes to.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.qos import DurabilityPolicy, QoSProfile
from support.lifecycle import set_parameters
from support.live_camera import LiveCamera
from support.small_room import SmallRoom, pose_at
from support.station import NodeProcess, Station

from mesh_reloc_ros.types.pose import pose_to_numbers

CONFIGURE = Transition(id=Transition.TRANSITION_CONFIGURE)
STEP = 'configuring: loading room.obj'


class SlowNode:
    """A node that loads until it is let go on."""

    def __init__(self, room: SmallRoom, pipe: Path, *, autostart: bool) -> None:
        os.mkfifo(pipe)
        self._pipe = pipe
        self.process = NodeProcess(
            '-p', f'mesh:={room.mesh}',
            '-p', f'reference_cameras:={pipe}',
            '-p', f'autostart:={str(autostart).lower()}',
            '-p', 'diagnostics_period:=0.1',
            '-p', 'save_pose_period:=0.0',
        )  # fmt: skip

    def go_on(self) -> None:
        cameras = [pose_to_numbers(pose_at(step)) for step in range(5)]
        self._pipe.write_text('\n'.join(' '.join(map(str, (0, *pose))) for pose in cameras))


@pytest.fixture
def autostart() -> bool:
    return True


@pytest.fixture
def node(room: SmallRoom, tmp_path: Path, autostart: bool) -> Iterator[SlowNode]:
    node = SlowNode(room, tmp_path / 'cameras.tum', autostart=autostart)
    yield node
    # Killed, its services would seem to be there for a while.
    node.process.end(signal.SIGINT)


@pytest.fixture
def status(station: Station) -> list[DiagnosticStatus]:
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    return station.listen(DiagnosticStatus, 'mesh_reloc/status', latched)


def test_it_answers_and_says_what_it_does(
    node: SlowNode, station: Station, room: SmallRoom, status: list[DiagnosticStatus]
):
    node.process.wait_for_line('loading ')
    camera = LiveCamera(station, room)
    answer = camera.call('reset')
    assert (answer.success, answer.message) == (False, 'the node is not configured')
    state = station.call(GetState, 'mesh_reloc/get_state').current_state.id
    assert state == State.TRANSITION_STATE_CONFIGURING
    assert 'is read when the node is configured' in set_parameters(station, mesh='/other.obj')
    assert set_parameters(station, tracking__min_score=0.6) == ''
    station.wait_until(lambda: status and status[-1].message == STEP, 'the step')
    assert {value.key: value.value for value in status[-1].values}['node'] == 'configuring'
    camera.wait_for_new_diagnostics()
    camera.wait_for_state(STEP)
    node.go_on()
    camera.connect(node.process)
    assert camera.wait_for_error(camera.show_until_found(pose_at(0)))[0] < 0.01
    camera.close()


@pytest.mark.parametrize('autostart', [False])
def test_asked_by_a_manager_it_says_what_it_does(
    node: SlowNode, station: Station, status: list[DiagnosticStatus]
):
    diagnostics = station.listen(DiagnosticArray, '/diagnostics')
    client = station.node.create_client(ChangeState, 'mesh_reloc/change_state')
    station.wait_until(client.service_is_ready, 'the service')
    answer = client.call_async(ChangeState.Request(transition=CONFIGURE))
    station.wait_until(lambda: status and status[-1].message == STEP, 'the step')
    station.wait_until(
        lambda: any(each.message == STEP for array in diagnostics for each in array.status),
        'the step in the diagnostics',
    )
    assert not answer.done()
    node.go_on()
    station.wait_until(answer.done, 'the end of the transition')
    assert answer.result().success
    station.wait_until(lambda: status[-1].message == 'inactive', 'the end in the status')
    station.node.destroy_client(client)


@pytest.mark.usefixtures('station')
def test_ctrl_c_ends_it(node: SlowNode):
    node.process.wait_for_line('loading ')
    assert node.process.end(signal.SIGINT) == 0
    assert not node.process.count('Traceback')
