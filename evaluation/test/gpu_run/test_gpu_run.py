"""The run on a machine with a GPU: on an emulated one, with a small room and few images."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mesh_reloc_evaluation.gpu_run.adam_pytorch3d import AdamThroughPyTorch3D
from mesh_reloc_evaluation.gpu_run.command import main
from mesh_reloc_evaluation.gpu_run.tables import never_slower_table, target_table
from support.small_room import CAMERA, error, perturbed, pose_at, small_room_mesh

from mesh_reloc_ros.config.alignment import AdamSettings

FOLDER = Path(__file__).parents[2] / 'gpu'
SMALL = CAMERA.at_level(2)


@pytest.fixture(scope='module')
def compared():
    return AdamThroughPyTorch3D(small_room_mesh(), SMALL, torch.device('cpu'))


def test_the_method_that_is_compared_sees_the_mesh_where_it_is(compared, room):
    pose = pose_at(2)
    camera_T_map = torch.from_numpy(np.linalg.inv(pose)).float()
    rendered = compared._render(camera_T_map[:3, :3], camera_T_map[:3, 3])
    expected = room.scene.render(torch.from_numpy(pose), SMALL)
    mask = rendered[..., 3] > 0
    assert (mask == expected.mask[0]).float().mean() > 0.99
    # Its textures have no mip levels.
    away = (rendered[..., :3] - expected.colour[0]).abs().mean(-1)
    assert away[mask].median() < 0.05


def test_the_method_that_is_compared_converges(compared, room):
    image = (255 * room.scene.render(torch.from_numpy(pose_at(2)), SMALL).colour[0]).byte().numpy()
    start = perturbed(pose_at(2), 1, 0.02, 0.4)
    settings = AdamSettings(iterations=20, patience=20)
    pose, steps = compared.align(image, start, settings)
    assert 10 < steps <= 20
    assert error(pose, pose_at(2))[0] < 0.9 * error(start, pose_at(2))[0]


def test_a_dry_run_fills_all_tables(tmp_path, capsys):
    assert main(['--dry-run', '--output', str(tmp_path)]) == 0
    content = json.loads((tmp_path / 'gpu.json').read_text())
    assert [row['mode'] for row in content['modes']] == ['cpu', 'hybrid', 'cuda']
    assert content['modes'][2]['graphs_ms'].keys() >= {'keyframe', 'solve'}
    assert [row['faces'] for row in content['faces']] == [12, 12, 1000, 1000]
    assert len(content['sizes']) == 2
    assert len(content['compared']) == 3
    for part in ('modes', 'faces', 'sizes', 'compared'):
        for row in content[part]:
            assert row['latency_ms_p50'] > 0
            assert not row.get('has_failed')
    tables = (tmp_path / 'table.md').read_text()
    titles = ('Machine', 'By mode', 'By stage', 'Graphs', 'Compared', 'By faces', 'By image size')
    titles += ('Targets', 'Never slower')
    assert all(f'## {title}' in tables for title in titles)


def test_the_faster_mode_with_a_gpu_is_judged():
    rows = [
        {'faces': faces, 'mode': mode, 'latency_ms_p50': ms, 'images_per_s': 1e3 / ms}
        for faces, times in ((50, (8.0, 9.0, 3.0)), (100, (2.0, 2.5, 3.9)))
        for mode, ms in zip(('cpu', 'hybrid', 'cuda'), times, strict=True)
    ]
    assert [row[-1] for row in never_slower_table(rows).rows] == ['yes', 'no']
    assert [row[1:] for row in target_table(rows[:3]).rows] == [['3', 'yes'], ['333', 'yes']]
    slow = [{**row, 'latency_ms_p50': 4.1, 'images_per_s': 249.0} for row in rows]
    assert [row[-1] for row in target_table(slow).rows] == ['no', 'no']


def test_one_command_tests_and_measures(tmp_path):
    """The whole way but for the bundle: most of the tests are run elsewhere."""
    words = ['--dry-run', '--parts', 'compared', '--tests', 'render', '--output', str(tmp_path)]
    done = subprocess.run(
        [sys.executable, str(FOLDER / 'run.py'), *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '1 passed' in (tmp_path / 'tests.txt').read_text()
    assert '## Compared' in (tmp_path / 'table.md').read_text()
