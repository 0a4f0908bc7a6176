"""The node's transitions and parameters, asked for from outside."""

from typing import Any

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter

from support.station import NodeProcess, Station


def go(station: Station, transition: int) -> bool:
    """Ask for a transition; return whether it succeeded."""
    request = ChangeState.Request(transition=Transition(id=transition))
    return station.call(ChangeState, 'mesh_reloc/change_state', request).success


def set_parameters(station: Station, **values: Any) -> str:
    """Set parameters, two underscores for a dot; return why that was refused."""
    request = SetParameters.Request(
        parameters=[
            Parameter(name.replace('__', '.'), value=value).to_parameter_msg()
            for name, value in values.items()
        ]
    )
    results = station.call(SetParameters, 'mesh_reloc/set_parameters', request).results
    return '; '.join(result.reason for result in results if not result.successful)


def configured_anew(station: Station, process: NodeProcess, **values: Any) -> None:
    """Bring the node down, set parameters, and bring it up again."""
    before = len(process.lines)
    assert go(station, Transition.TRANSITION_DEACTIVATE)
    assert go(station, Transition.TRANSITION_CLEANUP)
    assert set_parameters(station, **values) == ''
    assert go(station, Transition.TRANSITION_CONFIGURE)
    assert go(station, Transition.TRANSITION_ACTIVATE)
    process.wait_for_line('ready: ', after=before)
