import re
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import rclpy
import yaml
from rcl_interfaces.srv import GetParameters, SetParametersAtomically
from rclpy.node import Node
from rclpy.parameter import Parameter, parameter_value_to_python
from support.lifecycle import set_parameters
from support.patience import LONG_S
from support.station import FEW_VIEWS, NodeProcess

from mesh_reloc_ros.config.declaration import build
from mesh_reloc_ros.config.node import NodeSettings
from mesh_reloc_ros.config.parameter_file import read_parameter_file
from mesh_reloc_ros.config.parameters import PARAMETERS, build_settings
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.ros._parameters import (
    NodeParameters,
    descriptor,
    mesh_path,
    mesh_url,
)
from mesh_reloc_ros.ros._saved_pose import saved_pose_file

CONFIG = Path(__file__).parents[2] / 'config'


def declared(node: Node) -> NodeParameters:
    """Declare the parameters of a node that is configured."""
    parameters = NodeParameters(node)
    parameters.is_configured = True
    return parameters


@pytest.fixture
def make_node():
    """Return a function that makes a node from command-line arguments."""
    contexts = []

    def make(*args: str) -> Node:
        context = rclpy.Context()
        rclpy.init(context=context)
        contexts.append(context)
        return Node('mesh_reloc', context=context, cli_args=['--ros-args', *args])

    yield make
    for context in contexts:
        rclpy.shutdown(context=context)


def test_a_node_with_the_parameter_file_has_the_defaults(make_node):
    node = make_node('--params-file', str(CONFIG / 'mesh_reloc.yaml'))
    parameters = declared(node)
    assert parameters.node == NodeSettings()
    assert parameters.pipeline == Settings()
    assert parameters.unknown(of_qos=False) == []


@pytest.mark.parametrize('empty', [None, []])
def test_what_ros2_param_dump_writes_can_be_read_again(make_node, tmp_path, empty):
    node = make_node()
    declared(node)
    content: dict[str, Any] = {'use_sim_time': False}
    for name in PARAMETERS:
        value = node.get_parameter(name).value
        group, _, last = name.rpartition('.')
        (content.setdefault(group, {}) if group else content)[last] = value
    content['initial_pose'] = empty
    file = tmp_path / 'dumped.yaml'
    file.write_text(yaml.dump({'/mesh_reloc': {'ros__parameters': content}}))
    parameters = declared(make_node('--params-file', str(file)))
    assert (parameters.node, parameters.pipeline) == (NodeSettings(), Settings())
    assert build_settings(read_parameter_file(file)) == (NodeSettings(), Settings())


def test_given_values_arrive_and_whole_numbers_serve_as_floats(make_node):
    node = make_node(
        '-p', 'tracking.min_score:=1',
        '-p', 'initial_pose:=[1, 2, 3, 0, 0, 0, 1]',
        '-p', 'overlay.tint:=0.5',
        '-p', 'tracking.min_scor:=0.3',
    )  # fmt: skip
    parameters = declared(node)
    assert parameters.pipeline == build(Settings, {'tracking.min_score': 1.0})
    assert parameters.node.initial_pose == [1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 1.0]
    assert parameters.node.overlay.tint == 0.5
    assert parameters.unknown(of_qos=False) == ['tracking.min_scor']


@pytest.mark.parametrize(
    ('argument', 'reason'),
    [
        ('alignment.levels:=99', 'parameter alignment.levels: 99 is outside 1 to 8'),
        ('solver:=magic', "parameter solver: expected one of lm, adam, got 'magic'"),
        ('publish_tf:=true', 'parameter publish_tf: expected str, got True'),
        ('initial_pose:=[1.0, 2.0]', 'parameter initial_pose: .*expected 7 numbers'),
        ("map_frame:=''", 'parameter map_frame is empty'),
        ('odom_frame:=/odom', "parameter odom_frame: frames begin without a slash: 'odom'"),
        ('initial_pose:="0 0 0 0 0 0 1"', 'parameter initial_pose: expected list, got'),
        ('initial_pose:=5', 'parameter initial_pose: expected list, got 5'),
    ],
)
def test_a_bad_value_is_refused_with_the_reason(make_node, argument, reason):
    with pytest.raises(InputError, match=reason):
        declared(make_node('-p', argument))


def test_values_that_contradict_each_other_are_refused(make_node):
    node = make_node('-p', 'initialization:=global', '-p', 'relocalization.enabled:=false')
    with pytest.raises(InputError, match='initialization: global needs global relocalization'):
        declared(node)


def changed(node: Node, **values: Any) -> str:
    """Change parameters, all or none; return why that was refused."""
    parameters = [Parameter(name.replace('__', '.'), value=value) for name, value in values.items()]
    result = node.set_parameters_atomically(parameters)
    return '' if result.successful else result.reason


def test_live_parameters_change_while_the_node_is_configured(make_node):
    node = make_node()
    parameters = declared(node)
    assert changed(node, tracking__min_score=0.5, overlay__tint=1, initial_pose=[]) == ''
    assert parameters.pipeline.tracking.min_score == 0.5
    assert parameters.node.overlay.tint == 1.0


@pytest.mark.parametrize(
    ('values', 'reason'),
    [
        ({'tracking__min_score': 1.5}, 'out of range'),
        ({'tracking__min_score': 'high'}, 'expected float'),
        ({'overlay__mode': 'loud'}, 'expected one of edges, tint'),
        ({'initial_pose': [1.0]}, 'expected 7 numbers'),
        ({'initial_pose': '0 0 0 0 0 0 1'}, 'expected list'),
        ({'initial_pose': True}, 'expected list'),
        ({'transform_tolerance': None}, 'needs a value'),
        ({'mesh': '/other.obj'}, 'parameter mesh is read when the node is configured'),
        ({'autostart': False}, 'read-only'),
        ({'transform_tolerance': 1.0, 'solver': 'adam'}, 'parameter solver is read when'),
    ],
)
def test_a_change_is_refused_with_the_reason_and_nothing_changes(make_node, values, reason):
    node = make_node()
    parameters = declared(node)
    assert reason in changed(node, **values)
    assert parameters.node == NodeSettings()
    assert parameters.pipeline == Settings()
    assert node.get_parameter('transform_tolerance').value == 0.0


def test_deprecated_names_and_choices_are_accepted_at_the_start(make_node):
    node = make_node('-p', 'tf_timeout:=1', '-p', 'start_from:=nothing', '-p', 'lost_after:=2')
    parameters = declared(node)
    assert parameters.node == replace(
        NodeSettings(), transform_timeout=1.0, initialization='global'
    )
    assert parameters.unknown(of_qos=False) == ['lost_after']
    assert node.has_parameter('transform_timeout')
    assert not node.has_parameter('tf_timeout')


def test_a_deprecated_name_beside_the_current_one_is_refused(make_node, tmp_path):
    file = str(CONFIG / 'mesh_reloc.yaml')
    node = make_node('--params-file', file, '-p', 'tracking.max_repetition:=1.0')
    with pytest.raises(InputError, match=r'give tracking\.frozen_image_timeout only'):
        declared(node)


def test_while_the_node_is_not_configured_all_can_be_changed(make_node):
    node = make_node()
    parameters = NodeParameters(node)
    assert changed(node, mesh='/other.obj', alignment__levels=3) == ''
    assert parameters.node.mesh == '/other.obj'
    assert parameters.pipeline.alignment.levels == 3


def test_every_parameter_describes_itself(make_node):
    node = make_node()
    declared(node)
    for name, setting in PARAMETERS.items():
        described = node.describe_parameter(name)
        assert described.description.startswith(setting.description)
        assert setting.unit in described.description
        assert described.read_only == (name == 'autostart')
        is_read_once = 'read when the node is configured' in described.additional_constraints
        assert is_read_once != setting.live
    levels = node.describe_parameter('alignment.levels').integer_range[0]
    assert (levels.from_value, levels.to_value) == (1, 8)
    score = node.describe_parameter('tracking.min_score').floating_point_range[0]
    assert (score.from_value, score.to_value) == (0.0, 1.0)
    constraints = descriptor(PARAMETERS['solver']).additional_constraints
    assert constraints.startswith('one of: lm, adam; ')


def test_the_mesh_may_be_a_path_or_a_url(tmp_path, monkeypatch):
    assert mesh_path('/some/room.obj') == Path('/some/room.obj')
    assert mesh_path('file:///some/big%20room.obj') == Path('/some/big room.obj')
    index = tmp_path / 'share/ament_index/resource_index/packages'
    index.mkdir(parents=True)
    (index / 'site_meshes').touch()
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path))
    expected = tmp_path / 'share/site_meshes/room.obj'
    expected.parent.mkdir()
    assert mesh_path('package://site_meshes/room.obj') == expected
    # RViz on another machine has the package elsewhere.
    assert mesh_url('package://site_meshes/room.obj', expected) == 'package://site_meshes/room.obj'
    assert (
        mesh_url('/some/big room.obj', Path('/some/big room.obj')) == 'file:///some/big%20room.obj'
    )
    with pytest.raises(InputError, match="no package 'absent'"):
        mesh_path('package://absent/room.obj')
    monkeypatch.delenv('AMENT_PREFIX_PATH')
    with pytest.raises(InputError, match="no package 'site_meshes'"):
        mesh_path('package://site_meshes/room.obj')
    with pytest.raises(InputError, match='parameter mesh is not set'):
        mesh_path('')


@pytest.mark.parametrize(
    'mesh', ['http://host/room.obj', 'model://room.obj', 'file:room.obj', 'file://host/room.obj']
)
def test_other_urls_of_meshes_are_refused(mesh):
    with pytest.raises(InputError, match='give a path, file:///path'):
        mesh_path(mesh)


@pytest.mark.parametrize('path', [mesh_path, lambda path: saved_pose_file(path, 'node')])
def test_the_home_of_nobody_is_refused(path):
    with pytest.raises(InputError, match='there is no such home folder'):
        path('~nobody-at-all/file')


@pytest.mark.dds
def test_a_running_node_accepts_deprecated_names_and_warns_once_of_each(station):
    node = NodeProcess('-p', 'autostart:=false', '-p', 'tf_future:=0.5')

    def values(*names: str) -> list[Parameter]:
        request = GetParameters.Request(names=names)
        answer = station.call(GetParameters, 'mesh_reloc/get_parameters', request)
        return [parameter_value_to_python(value) for value in answer.values]

    try:
        assert set_parameters(station, tf_timeout=0.2, start_from='saved') == ''
        assert set_parameters(station, tf_timeout=0.3) == ''
        assert set_parameters(station, initialization='nothing', tracking__max_repetition=1.0) == ''
        assert 'transform_timeout out of range' in set_parameters(station, tf_timeout=9.0)
        twice = SetParametersAtomically.Request(
            parameters=[
                Parameter(name, value=1.0).to_parameter_msg()
                for name in ('tf_timeout', 'transform_timeout')
            ]
        )
        answer = station.call(
            SetParametersAtomically, 'mesh_reloc/set_parameters_atomically', twice
        )
        assert answer.result.reason == 'parameter transform_timeout is given twice'
        assert values(
            'transform_tolerance', 'transform_timeout', 'initialization',
            'tracking.frozen_image_timeout',
        ) == [0.5, 0.3, 'global', 1.0]  # fmt: skip
    finally:
        node.end(signal.SIGINT)
    warnings = [line.split(': parameter ')[1].strip() for line in node.lines if 'WARN' in line]
    assert warnings == [
        'tf_future is deprecated: use transform_tolerance',
        'tf_timeout is deprecated: use transform_timeout',
        'start_from is deprecated: use initialization',
        'initialization: nothing is deprecated: use initialization: global',
        'tracking.max_repetition is deprecated: use tracking.frozen_image_timeout',
    ]


@pytest.mark.dds
def test_without_a_usable_mesh_the_node_ends_with_status_two_and_one_line():
    node = NodeProcess('-p', 'mesh:=/no/such/mesh.obj')
    assert node.end() == 2
    assert [line for line in node.lines if '/no/such/mesh.obj' in line and 'ERROR' in line]
    assert not node.count('Traceback')


def wait_until_it_handles(number: signal.Signals, pid: int) -> None:
    """Wait until a process has a handler for a signal, before which it cannot end cleanly."""
    deadline = time.monotonic() + LONG_S
    while time.monotonic() < deadline:
        status = Path(f'/proc/{pid}/status').read_text()
        caught = int(re.search(r'SigCgt:\s*(\w+)', status).group(1), 16)
        if caught >> (number - 1) & 1:
            return
        time.sleep(0.05)
    raise AssertionError(f'no handler of {number!r}')


@pytest.mark.dds
@pytest.mark.parametrize(
    ('moment', 'number'),
    [
        ('importing', signal.SIGINT),
        ('loading', signal.SIGTERM),
        ('warming up', signal.SIGINT),
        ('ready', signal.SIGTERM),
    ],
)
def test_signals_while_starting_end_it_with_status_zero(room, moment, number):
    node = NodeProcess('-p', f'mesh:={room.mesh}', '-p', FEW_VIEWS)
    if moment == 'importing':
        wait_until_it_handles(signal.SIGTERM, node.pid)
    else:
        node.wait_for_line(moment)
    for _ in range(2):
        node.send(number)
    assert node.end() == 0
    assert not node.count('Traceback')
    assert not node.count('ignored')
    assert not list(room.mesh.parent.glob(f'*.{node.pid}.part'))
