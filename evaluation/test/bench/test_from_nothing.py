"""`mesh_reloc bench --from-nothing` on a recording of the small room."""

import json
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from evaluation_support.sequences import room_sequence
from mesh_reloc_evaluation.bench.from_nothing import cases
from mesh_reloc_evaluation.bench.from_nothing.cases import chosen_cases, site
from mesh_reloc_evaluation.bench.from_nothing.cut import median_coverage, textured_point
from mesh_reloc_evaluation.bench.from_nothing.scenes import Place
from mesh_reloc_evaluation.bench.refine import refined
from mesh_reloc_evaluation.mesh_surgery import cut_to_ball
from mesh_reloc_evaluation.posed_sequence import PosedSequence
from support.small_room import pose_at

from mesh_reloc_ros.cli.main import main

COUNT = 9
# Few views, as the room is small.
PARAMETERS = """
/**:
  ros__parameters:
    relocalization: {viewpoint_spacing: 1.0, max_memory: 2.1, candidates: 20}
"""


@pytest.fixture(scope='module')
def place(room):
    return Place('room', room.scene.mesh, room_sequence(room, 5))


@pytest.fixture(scope='module')
def folder(room, recording, tmp_path_factory):
    """Return a folder with the mesh and the recording, as --scene takes it."""
    folder = tmp_path_factory.mktemp('scene') / 'room'
    shutil.copytree(room.mesh.parent, folder)
    shutil.copytree(recording, folder / 'bag')
    return folder


def bench(output, *more):
    return main(['bench', '--from-nothing', '--output', str(output), '--device', 'cpu', *more])


@pytest.fixture(scope='module')
def output(folder, tmp_path_factory):
    """Return the output of a run on the mesh as it is, and twice in a site."""
    output = tmp_path_factory.mktemp('from_nothing')
    parameters = folder.with_name('parameters.yaml')
    parameters.write_text(PARAMETERS)
    options = ('--scene', f'room={folder}', '--cases', 'recording,twice', '--count', '2')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cases, 'TWIN_OFFSET_M', (0.0, 0.0, 10.0))
        assert bench(output, *options, '--params', str(parameters)) == 0
    return output


@pytest.fixture(scope='module')
def rows(output):
    return json.loads((output / 'from_nothing.json').read_text())['rows']


def test_every_image_of_an_easy_recording_is_found(rows):
    row = rows[0]
    assert row['scene'] == 'room'
    assert row['coverage'] > 0.9
    assert row['found'] == {'images': 2, 'answers': 2, 'wrong': 0}
    for name in ('published', 'with_start'):
        assert row[name] == {'images': COUNT, 'answers': COUNT, 'wrong': 0}
    assert row['cm_p50'] <= row['cm_max'] < 2
    # The room is about 3 m away.
    assert row['percent_p50'] == pytest.approx(row['cm_p50'] / 3, rel=0.3)
    assert 0 < row['query_s_p50'] <= row['query_s_max']


def test_nothing_is_found_where_every_place_is_there_twice(rows):
    assert rows[1]['case'] == 'in the site twice'
    assert rows[1]['found'] == {'images': 2, 'answers': 0, 'wrong': 0}
    assert 'published' not in rows[1]


def test_the_table_and_the_picture_show_every_row(output):
    table = (output / 'table.md').read_text().splitlines()
    rows = [line.split(' | ') for line in table if line.startswith('| ')][2:]
    assert [row[0] for row in rows] == ['| room', '| room, in the site twice']
    assert rows[0][2:6] == ['2/2', '9/9', '9/9', '0 0 0']
    assert rows[1][2:6] == ['0/2', '-', '-', '0 - -']
    assert cv2.imread(str(output / 'from_nothing.png')).std() > 5


def test_a_cut_mesh_covers_the_share_that_its_name_says(place):
    # The room has two faces to a surface: take finer ones.
    fine = Place('room', refined(place.mesh, 5000), place.sequence)
    cut = list(chosen_cases([fine], ['cut'], 5))
    assert [case.name for case in cut] == ['cut to 38%', 'cut to 19%', 'cut to 7%', 'cut to 3%']
    for case, share in zip(cut, (0.38, 0.19, 0.07, 0.03), strict=True):
        assert median_coverage(case.mesh, place.sequence) == pytest.approx(share, rel=0.1)


def test_the_point_is_on_the_surface_and_in_every_image(room, place):
    point = textured_point(place.mesh, place.sequence)
    for pose, frame in zip(place.sequence.poses, place.sequence.frames, strict=True):
        x, y, z = (point - pose[:3, 3]) @ pose[:3, :3]
        column = frame.camera.fx * x / z + frame.camera.cx
        row = frame.camera.fy * y / z + frame.camera.cy
        assert 0.05 < column / frame.camera.width < 0.95
        assert 0.05 < row / frame.camera.height < 0.95
    assert len(cut_to_ball(room.scene.mesh, point, 3.0).faces)


def test_the_point_lies_where_the_texture_is(room, place):
    poses, camera = place.sequence.poses, place.sequence.camera
    depth = float(room.scene.render(torch.from_numpy(poses[0]), camera).depth[0, 90, 230])
    ray = camera.rays()[90, 230].double().numpy()
    target = poses[0, :3, :3] @ ray * depth + poses[0, :3, 3]
    noise = np.random.default_rng(1).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    frames = []
    for frame, pose in zip(place.sequence.frames, poses, strict=True):
        column, row = camera.project(torch.from_numpy((target - pose[:3, 3]) @ pose[:3, :3]))
        near = cv2.circle(np.zeros((240, 320), np.uint8), (int(column), int(row)), 20, 1, -1)
        image = np.where(near[..., None] > 0, noise, np.uint8(128))
        frames.append(replace(frame, image=image))
    point = textured_point(place.mesh, PosedSequence(frames, poses))
    assert np.linalg.norm(point - target) < 0.4


def test_places_of_a_site_are_apart_and_keep_their_images(place):
    mesh, places = site([place] * 4)
    assert len(mesh.faces) == 4 * len(place.mesh.faces)
    middles = np.array([each.middle for each in places])
    gaps = np.linalg.norm(middles[:, None] - middles, axis=2)[~np.eye(4, dtype=bool)]
    assert gaps.min() >= 50
    assert gaps.max() <= 150.001
    for each in places:
        offset = each.middle - place.middle
        assert each.sequence.poses[0, :3, 3] == pytest.approx(pose_at(0)[:3, 3] + offset, abs=1e-4)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ((), 'give --scene NAME=FOLDER, or --mesh and --bag'),
        (('--scene', 'room'), "--scene 'room': give NAME=FOLDER"),
        (('--scene', 'room={empty}'), 'expected one mesh, found 0'),
        (('--scene', 'room={folder}', '--scene', 'room={folder}'), 'are not all different'),
        (('--scene', 'room={folder}', '--cases', 'none'), "--cases 'none': choose from recording"),
        (('--scene', 'room={folder}', '--count', '0'), '--count 0: give 1 or more'),
    ],
)
def test_unusable_arguments_are_refused_in_a_line(folder, tmp_path, capsys, options, message):
    places = {'folder': folder, 'empty': tmp_path}
    assert bench(tmp_path / 'out', *(option.format(**places) for option in options)) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count('\n') == 1
