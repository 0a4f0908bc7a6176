"""The bond with a lifecycle manager, whose part bondpy plays where it is installed."""

import signal
from collections.abc import Iterator

import pytest
from lifecycle_msgs.msg import Transition
from support.lifecycle import go
from support.small_room import SmallRoom
from support.station import NodeProcess, Station

bondpy = pytest.importorskip('bondpy.bondpy', reason='bondpy is not on PyPI')


@pytest.fixture
def process(station: Station, room: SmallRoom) -> Iterator[NodeProcess]:
    process = NodeProcess(
        '-p', 'autostart:=false',
        '-p', f'mesh:={room.mesh}',
        '-p', 'relocalization.enabled:=false',
        '-p', 'save_pose_period:=0.0',
    )  # fmt: skip
    assert go(station, Transition.TRANSITION_CONFIGURE)
    yield process
    # Killed, it would seem to be there for a while.
    process.end(signal.SIGINT)


@pytest.mark.usefixtures('process')
def test_each_time_the_node_is_active_it_has_a_bond(station: Station):
    heard = station.listen(bondpy.Status, 'bond', 100)
    for number in (1, 2):
        assert go(station, Transition.TRANSITION_ACTIVATE)
        before = len(heard)
        station.wait_until(lambda at=before: len(heard) > at, 'heartbeats')
        assert all(status.id == 'mesh_reloc' and status.active for status in heard[before:])
        assert go(station, Transition.TRANSITION_DEACTIVATE)
        station.wait_until(lambda: not heard[-1].active, 'the end of the bond')
        assert len({status.instance_id for status in heard}) == number


@pytest.mark.usefixtures('process')
def test_a_manager_forms_the_bond(station: Station):
    assert go(station, Transition.TRANSITION_ACTIVATE)
    bond = bondpy.Bond(station.node, 'bond', 'mesh_reloc')
    bond.start()
    station.wait_until(lambda: bond.sm.getState().getName() == 'SM.Alive', 'a bond')
