"""All parameters together: what contradicts, and the initial pose."""

import subprocess
import sys

import numpy as np
import pytest

from mesh_reloc_ros.config.node import NodeSettings
from mesh_reloc_ros.config.parameters import build_settings, initial_pose
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.errors import InputError


def test_values_reach_the_settings_of_node_and_pipeline():
    node, pipeline = build_settings({'map_frame': 'site', 'overlay.tint': 1, 'solver': 'adam'})
    assert (node.map_frame, node.overlay.tint) == ('site', 1.0)
    assert pipeline == Settings(solver='adam')
    assert build_settings({}) == (NodeSettings(), Settings())


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        ({'map_frame': ''}, 'map_frame is empty'),
        ({'odom_frame': '/odom'}, "odom_frame: frames begin without a slash: 'odom'"),
        ({'publish_tf': 'map_odom', 'odom_frame': 'map'}, "odom_frame: 'map' must be the frame"),
        ({'publish_tf': 'map_odom', 'odom_frame': ''}, "odom_frame: '' must be the frame"),
        ({'use_odometry': True}, 'use_odometry: with publish_tf map_camera .* two parents'),
        (
            {'initialization': 'global', 'relocalization.enabled': False},
            'initialization: global needs global relocalization',
        ),
        ({'initial_pose': [0.0] * 7}, 'initial_pose: .*quaternion is zero'),
        ({'initial_pose': [float('inf')] * 7}, 'initial_pose: .*finite'),
        ({'initial_pose': [0.0, 1.0]}, 'initial_pose: .*expected 7 numbers'),
    ],
)
def test_values_that_contradict_or_are_no_pose_are_refused(values, words):
    with pytest.raises(InputError, match=f'parameter {words}') as refusal:
        build_settings(values)
    assert '\n' not in str(refusal.value)


def test_the_initial_pose_is_a_matrix_or_none():
    assert initial_pose(NodeSettings()) is None
    pose = initial_pose(NodeSettings(initial_pose=[1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 2.0]))
    np.testing.assert_allclose(pose[:3, 3], [1, 2, 3])
    np.testing.assert_allclose(pose[:3, :3], np.eye(3))


def test_launch_files_get_the_declarations_without_heavy_libraries():
    """`ros2 launch` runs with the Python of the ROS installation, which may lack them."""
    code = (
        'import sys, mesh_reloc_ros.config.node, mesh_reloc_ros.config.deprecation\n'
        'print(sorted({"torch", "scipy", "numba", "yaml"} & set(sys.modules)))'
    )
    run = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert run.stdout == '[]\n'
