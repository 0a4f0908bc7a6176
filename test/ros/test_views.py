"""The views for RViz and Foxglove: they show what the node publishes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from mesh_reloc_evaluation.bag_writer import CAMERA_FRAME
from support.small_room import SmallRoom
from support.station import FEW_VIEWS, NodeProcess, Station

from mesh_reloc_ros.config.node import NodeSettings

CONFIG = Path(__file__).parents[2] / 'config'
RVIZ = yaml.safe_load((CONFIG / 'mesh_reloc.rviz').read_text())['Visualization Manager']
FOXGLOVE = json.loads((CONFIG / 'mesh_reloc.foxglove.json').read_text())

Topics = dict[str, str]
"""Names and message types."""


@pytest.fixture(scope='module')
def process(room: SmallRoom) -> Iterator[NodeProcess]:
    process = NodeProcess('-p', f'mesh:={room.mesh}', '-p', FEW_VIEWS)
    yield process
    process.kill()


@pytest.fixture(scope='module')
def published(process: NodeProcess, station: Station) -> Topics:
    process.wait_for_line('ready')
    names = {*rviz_topics(), *foxglove_topics(), diagnostics_topic(), state_topic()}
    found: Topics = {}

    def all_are_found() -> bool:
        found.update(station.published_by('mesh_reloc'))
        return names <= found.keys()

    station.wait_until(all_are_found, f'the publishers of {names}')
    return found


def rviz_topics() -> Topics:
    """Return the topics that RViz subscribes to, in the namespace of the node."""
    types = {
        'Path': 'nav_msgs/msg/Path',
        'Marker': 'visualization_msgs/msg/Marker',
        'PoseWithCovariance': 'geometry_msgs/msg/PoseWithCovarianceStamped',
        'Image': 'sensor_msgs/msg/Image',
    }
    return {
        f'/{display["Topic"]["Value"]}': types[display['Class'].split('/')[1]]
        for display in RVIZ['Displays']
        if 'Topic' in display
    }


def panel(kind: str) -> dict[str, Any]:
    """Return the configuration of the only panel of a kind."""
    (config,) = (c for name, c in FOXGLOVE['configById'].items() if name.split('!')[0] == kind)
    return config


def foxglove_topics() -> set[str]:
    return {*panel('3D')['topics'], panel('Image')['imageMode']['imageTopic']}


def diagnostics_topic() -> str:
    return panel('DiagnosticSummary')['topicToRender']


def state_topic() -> str:
    (path,) = panel('StateTransitions')['paths']
    return path['value'].split('.')[0]


def test_rviz_shows_what_the_node_publishes(published):
    assert len(rviz_topics()) == 4
    assert rviz_topics().items() <= published.items()


def test_foxglove_shows_what_the_node_publishes(published):
    assert foxglove_topics() == set(rviz_topics())
    assert published[diagnostics_topic()].endswith('/DiagnosticArray')
    assert published[state_topic()].endswith('/DiagnosticStatus')


def test_start_poses_from_rviz_and_foxglove_reach_the_node(published, station: Station):
    (tool,) = (t for t in RVIZ['Tools'] if t['Class'].endswith('/SetInitialPose'))
    assert panel('3D')['publish']['poseEstimateTopic'] == f'/{tool["Topic"]["Value"]}'
    topic = f'/{tool["Topic"]["Value"]}'
    station.wait_until(lambda: topic in station.subscribed_by('mesh_reloc'), 'the subscription')


def test_the_views_are_in_the_map_frame():
    map_frame = NodeSettings().map_frame
    assert RVIZ['Global Options']['Fixed Frame'] == map_frame
    assert panel('3D')['followTf'] == map_frame


def test_rviz_follows_the_camera_of_the_demo():
    views = [RVIZ['Views']['Current'], *RVIZ['Views']['Saved']]
    assert {view['Target Frame'] for view in views} == {'<Fixed Frame>', CAMERA_FRAME}


def test_each_panel_of_foxglove_is_configured_and_has_a_place():
    def panels(layout: Any) -> list[str]:
        if isinstance(layout, str):
            return [layout]
        return panels(layout['first']) + panels(layout['second'])

    assert sorted(panels(FOXGLOVE['layout'])) == sorted(FOXGLOVE['configById'])
