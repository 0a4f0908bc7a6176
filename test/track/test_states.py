"""The tracker's states, and what leads from one to another."""

import pytest

from mesh_reloc_ros.config.tracking import TrackingSettings
from mesh_reloc_ros.track._states import StateMachine
from mesh_reloc_ros.types.estimate import State

SETTINGS = TrackingSettings(lost_after=3, lost_after_interval=1.0)
MS = 1_000_000


def started(accepted: int = 0) -> StateMachine:
    """Return a machine that began at time 0, with this many accepted poses."""
    states = StateMachine()
    states.begin(0)
    for _ in range(accepted):
        states.accept(0)
    return states


@pytest.mark.parametrize(('accepted', 'meanwhile'), [(0, State.INITIALIZING), (1, State.UNSURE)])
def test_too_many_rejections_in_a_row_lead_to_lost(accepted, meanwhile):
    states = started(accepted)
    for expected in (meanwhile, meanwhile, State.LOST, State.LOST):
        states.reject(MS, SETTINGS)
        assert states.state is expected


@pytest.mark.parametrize(('accepted', 'meanwhile'), [(0, State.INITIALIZING), (1, State.UNSURE)])
def test_a_rejection_long_after_the_last_pose_leads_to_lost(accepted, meanwhile):
    states = started(accepted)
    states.reject(999 * MS, SETTINGS)
    assert states.state is meanwhile
    states.reject(1000 * MS, SETTINGS)
    assert states.state is State.LOST


@pytest.mark.parametrize('rejections', [0, 1, 5])
def test_an_accepted_pose_leads_to_tracking_from_every_state(rejections):
    states = started()
    for _ in range(rejections):
        states.reject(0, SETTINGS)
    assert states.rejections == rejections
    states.accept(7 * MS)
    assert states.state is State.TRACKING
    assert states.rejections == 0
    assert states.accepted_ns == 7 * MS
