"""What `ros2 param dump` writes of a running node starts another one, over DDS."""

import signal
from pathlib import Path
from typing import Any

import yaml
from rcl_interfaces.srv import GetParameters, ListParameters
from rclpy.parameter import parameter_value_to_python
from support.small_room import SmallRoom
from support.station import NodeProcess, Station


def dump(station: Station) -> dict[str, Any]:
    """Return the parameters of the node, in groups, as `ros2 param dump` does."""
    names = station.call(ListParameters, 'mesh_reloc/list_parameters').result.names
    request = GetParameters.Request(names=names)
    values = station.call(GetParameters, 'mesh_reloc/get_parameters', request).values
    content: dict[str, Any] = {}
    for name, value in zip(names, values, strict=True):
        *groups, last = name.split('.')
        inside = content
        for group in groups:
            inside = inside.setdefault(group, {})
        value = parameter_value_to_python(value)
        inside[last] = list(value) if hasattr(value, 'tolist') else value
    return content


def test_a_node_starts_with_the_dumped_parameters(
    station: Station, room: SmallRoom, tmp_path: Path
):
    first = NodeProcess('-p', f'mesh:={room.mesh}', '-p', 'relocalization.enabled:=true')
    first.wait_for_line('ready: ')
    content = dump(station)
    assert not content['initial_pose']
    assert first.end(signal.SIGINT) == 0
    file = tmp_path / 'mesh_reloc.yaml'
    file.write_text(yaml.dump({'/mesh_reloc': {'ros__parameters': content}}))
    second = NodeProcess('--params-file', str(file))
    second.wait_for_line('ready: ')
    assert second.end(signal.SIGINT) == 0
    assert not second.count('WARN')
