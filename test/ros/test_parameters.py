import signal
from pathlib import Path

import pytest
import rclpy
import yaml
from rclpy.node import Node
from station import NodeProcess

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.ros.parameters import (
    NodeSettings,
    declare_parameters,
    descriptor,
    initial_pose,
    mesh_path,
    unknown_parameters,
)
from mesh_reloc_ros.settings import build, read_parameter_file, settings_of
from mesh_reloc_ros.tracking.settings import Settings

CONFIG = Path(__file__).parents[2] / 'config'
DECLARED = {
    declared.name: declared for declared in (*settings_of(NodeSettings), *settings_of(Settings))
}


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


def test_the_parameter_file_holds_every_parameter_with_its_default():
    values = read_parameter_file(CONFIG / 'mesh_reloc.yaml')
    assert values == {name: declared.default for name, declared in DECLARED.items()}
    assert {name: type(value) for name, value in values.items()} == {
        name: type(declared.default) for name, declared in DECLARED.items()
    }


def test_a_node_with_the_parameter_file_has_the_defaults(make_node):
    node = make_node('--params-file', str(CONFIG / 'mesh_reloc.yaml'))
    assert declare_parameters(node) == (NodeSettings(), Settings())
    assert unknown_parameters(node) == []


def test_given_values_arrive_and_whole_numbers_serve_as_floats(make_node):
    node = make_node(
        '-p', 'tracking.min_score:=1',
        '-p', 'initial_pose:=[1, 2, 3, 0, 0, 0, 1]',
        '-p', 'overlay.tint:=0.5',
        '-p', 'tracking.min_scor:=0.3',
    )  # fmt: skip
    node_settings, settings = declare_parameters(node)
    assert settings == build(Settings, {'tracking.min_score': 1.0})
    assert node_settings.initial_pose == [1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 1.0]
    assert node_settings.overlay.tint == 0.5
    assert unknown_parameters(node) == ['tracking.min_scor']


@pytest.mark.parametrize(
    ('argument', 'reason'),
    [
        ('alignment.levels:=99', 'parameter alignment.levels: 99 is outside 1 to 8'),
        ('solver:=magic', "parameter solver: expected one of lm, adam, got 'magic'"),
        ('publish_tf:=maybe', "parameter publish_tf: expected bool, got 'maybe'"),
    ],
)
def test_a_bad_value_is_refused_with_the_reason(make_node, argument, reason):
    with pytest.raises(InputError, match=reason):
        declare_parameters(make_node('-p', argument))


def test_every_parameter_describes_itself(make_node):
    node = make_node()
    declare_parameters(node)
    for name, declared in DECLARED.items():
        described = node.describe_parameter(name)
        assert described.description.startswith(declared.description)
        assert declared.unit in described.description
        assert described.read_only
    levels = node.describe_parameter('alignment.levels').integer_range[0]
    assert (levels.from_value, levels.to_value) == (1, 8)
    score = node.describe_parameter('tracking.min_score').floating_point_range[0]
    assert (score.from_value, score.to_value) == (0.0, 1.0)
    assert descriptor(DECLARED['solver']).additional_constraints == 'one of: lm, adam'


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
    with pytest.raises(InputError, match="no package 'absent'"):
        mesh_path('package://absent/room.obj')
    with pytest.raises(InputError, match='parameter mesh is not set'):
        mesh_path('')


@pytest.mark.parametrize(
    ('numbers', 'reason'),
    [
        ([0.0] * 7, 'parameter initial_pose: .*quaternion is zero'),
        ([float('inf')] * 7, 'parameter initial_pose: .*finite'),
        ([0.0, 1.0], 'parameter initial_pose: .*expected 7 numbers'),
    ],
)
def test_a_start_pose_that_is_none_is_refused(numbers, reason):
    assert initial_pose([]) is None
    with pytest.raises(InputError, match=reason):
        initial_pose(numbers)


def test_without_a_usable_mesh_the_node_ends_with_status_two_and_one_line():
    node = NodeProcess('-p', 'mesh:=/no/such/mesh.obj')
    assert node.end() == 2
    assert [line for line in node.lines if '/no/such/mesh.obj' in line and 'FATAL' in line]
    assert not node.count('Traceback')


def test_ctrl_c_while_starting_ends_with_status_zero(room):
    node = NodeProcess('-p', f'mesh:={room.mesh}')
    node.wait_for_line('loading')
    assert node.end(signal.SIGINT) == 0
    assert not node.count('Traceback')


def test_the_view_for_rviz_shows_what_the_node_publishes():
    view = yaml.safe_load((CONFIG / 'mesh_reloc.rviz').read_text())['Visualization Manager']
    assert view['Global Options']['Fixed Frame'] == NodeSettings().map_frame
    topics = {d['Class']: d['Topic']['Value'] for d in view['Displays'] if 'Topic' in d}
    assert topics == {
        'rviz_default_plugins/Marker': 'mesh_reloc/mesh',
        'rviz_default_plugins/PoseWithCovariance': 'mesh_reloc/pose_with_covariance',
        'rviz_default_plugins/Image': 'mesh_reloc/overlay',
    }
