"""The demo's parts around the node, and the whole of it with a short film."""

import json

import cv2
import pytest
from evaluation_support.small_film import SMALL
from mesh_reloc_evaluation.demo.replay import replay
from mesh_reloc_evaluation.demo.run import run_demo
from mesh_reloc_evaluation.node_process import NodeError, NodeProcess
from mesh_reloc_evaluation.trajectory_errors import pose_errors

from mesh_reloc_ros.cli.main import main
from mesh_reloc_ros.recordings.tum import read_tum


@pytest.mark.dds
def test_a_node_that_does_not_start_is_reported_with_its_last_words(sample, tmp_path):
    with NodeProcess('-p', f'mesh:={tmp_path / "none.obj"}') as node:
        with pytest.raises(NodeError, match='ended on its own with status 2'):
            replay(sample.bag, [], node.check)
        assert 'none.obj does not exist' in node.last_lines()


def test_an_output_that_cannot_be_written_is_refused(tmp_path, capsys):
    (tmp_path / 'file').touch()
    assert main(['demo', '--output', str(tmp_path / 'file' / 'out')]) == 2
    assert 'cannot be written' in capsys.readouterr().err


@pytest.mark.dds
def test_a_short_film_is_tracked_by_the_node_over_dds(sample, demo_folder):
    status = run_demo(demo_folder, SMALL)
    report = json.loads((demo_folder / 'report.json').read_text())
    summary = report['summary']
    assert status == (1 if summary['faults'] else 0)
    assert summary['images'] == 24
    # How many poses there are depends on how busy the machine is; that they are right does not.
    assert summary['poses'] == len(report['poses']) >= 1
    assert summary['wrong'] == 0
    assert summary['median_cm'] < 2
    assert summary['median_deg'] < 0.5

    estimate = read_tum(demo_folder / 'estimate.tum')
    metres, _ = pose_errors(estimate, read_tum(demo_folder / 'groundtruth.tum'))
    assert 100 * metres[0] == pytest.approx(report['poses'][0]['error_cm'], abs=0.01)
    assert (demo_folder / 'trajectory.png').stat().st_size > 10_000
    # Of the modes, two pictures as wide as the image, a third and two thirds of both, captions.
    assert cv2.imread(str(demo_folder / 'overlay_modes.png')).shape == (444, 644, 3)
    for overlay in demo_folder.glob('overlay_[0-9]*.png'):
        assert cv2.imread(str(overlay)).shape == (240, 320, 3)
    assert 'ready' in (demo_folder / 'node.log').read_text()
