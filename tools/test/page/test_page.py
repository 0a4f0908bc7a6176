"""`view --html` and `track --html`: pages that need only a browser and show what is true."""

import base64
import json
import re
import shutil
import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from mesh_reloc_evaluation.bag_writer import camera_info, raw, write_bag
from mesh_reloc_evaluation.obj_file import write_obj
from mesh_reloc_tools.page import mesh_data as of_mesh
from mesh_reloc_tools.simplification import paint
from support.patience import LONG_S
from support.small_room import CAMERA, photographed, pose_at, small_room_mesh

from mesh_reloc_ros.cli import drawings
from mesh_reloc_ros.cli.main import main
from mesh_reloc_ros.mesh_io.load import load_mesh
from mesh_reloc_ros.recordings.tum import read_tum, write_tum
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.pose import pose_to_numbers
from mesh_reloc_ros.types.trajectory import Trajectory

ASSETS = Path(of_mesh.__file__).parent / 'assets'
BEGIN_NS, PERIOD_NS = 1_700_000_000_000_000_000, 100_000_000
COUNT, BLACK = 9, (5, 6)
"""Images in the recording, and which of them are black."""
CHROMIUM = shutil.which('chromium') or shutil.which('google-chrome')


@pytest.fixture(scope='module')
def bag(room, tmp_path_factory):
    messages = []
    for number in range(COUNT):
        stamp = BEGIN_NS + number * PERIOD_NS
        image = photographed(room.view(pose_at(0.3 * number)), number)
        image = np.zeros_like(image) if number in BLACK else image
        messages.append(('/camera_info', stamp, camera_info(CAMERA, stamp)))
        messages.append(('/image_rect', stamp, raw(image, stamp)))
    return write_bag(tmp_path_factory.mktemp('page') / 'bag', messages)


@pytest.fixture(scope='module')
def tracked(room, bag, tmp_path_factory):
    """Return the folder of page.html and poses.tum."""
    folder = tmp_path_factory.mktemp('tracked')
    given = ('--mesh', room.mesh, '--bag', bag, '--output', folder / 'poses.tum')
    start = ' '.join(f'{number:.9f}' for number in pose_to_numbers(pose_at(0)))
    words = ['track', *given, '--initial-pose', start, '--html', folder / 'page.html']
    assert main(list(map(str, words))) == 0
    return folder


def view(mesh, page, *words):
    assert main(['view', str(mesh), '--html', str(page), *map(str, words)]) == 0
    return data_of(page)


def data_of(page):
    (text,) = re.findall(
        '<script type="application/json" id="data">(.*?)</script>', page.read_text()
    )
    return json.loads(text)


def numbers(text, kind):
    return np.frombuffer(base64.b64decode(text), kind)


def columns(packed):
    low, unit = np.array(packed['low']), np.array(packed['unit'])
    return low + unit * numbers(packed['steps'], '<u2').reshape(-1, len(low))


def image_of(address):
    return cv2.imdecode(numbers(address.removeprefix('data:image/jpeg;base64,'), 'u1'), 1)[
        ..., ::-1
    ]


def test_a_page_holds_the_mesh_with_its_textures(tmp_path):
    mesh = replace(small_room_mesh(), origin=np.array([500_000.0, 4_000_000.0, 300.0]))
    write_obj(tmp_path / 'room.obj', mesh)
    # A scene fills its textures between charts.
    mesh = Scene(load_mesh(tmp_path / 'room.obj'), 'cpu').mesh
    data = view(tmp_path / 'room.obj', tmp_path / 'page.html')['mesh']
    np.testing.assert_allclose(data['origin'], mesh.origin)
    assert len(data['parts']) == len(mesh.textures)
    for number, part in enumerate(data['parts']):
        faces = mesh.faces[mesh.face_materials == number]
        shown = numbers(part['faces'], '<u4').reshape(-1, 3)
        np.testing.assert_allclose(
            columns(part['vertices'])[shown], mesh.vertices[faces], atol=1e-4
        )
        np.testing.assert_allclose(columns(part['uvs'])[shown], mesh.uvs[faces], atol=1e-4)
        apart = image_of(part['texture']).astype(float) - mesh.textures[number]
        assert np.abs(apart).mean() < 6


def test_a_page_loads_nothing(tracked, room, tmp_path):
    view(room.mesh, tmp_path / 'page.html')
    for page in (tmp_path / 'page.html', tracked / 'page.html'):
        text = page.read_text()
        assert "default-src 'none'" in text
        markup = re.sub('<script.*?</script>', '', text, flags=re.DOTALL)
        addresses = re.findall(r'(?:src|href)\s*=\s*["\']?([^"\'\s>]{1,40})', markup)
        assert all(address.startswith('data:') for address in addresses)
        # A name of XML, which is no address.
        hosts = set(re.findall(r'https?://[^\s"\'`)]+', text))
        assert hosts <= {'http://www.w3.org/1999/xhtml'}
        assert 'MIT License' in text


def test_large_textures_and_shapes_are_made_smaller(monkeypatch):
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (300, 300, 3), dtype=np.uint8) for _ in range(6)]
    mesh = replace(small_room_mesh(), textures=noise)
    monkeypatch.setattr(of_mesh, '_MOST_TEXTURE_BYTES', 150_000)
    pictures = [part['texture'] for part in of_mesh.mesh_data(mesh, 'z')['parts']]
    assert 100_000 < sum(map(len, pictures)) * 3 / 4 < 151_000
    assert min(image_of(picture).shape[0] for picture in pictures) > 100
    monkeypatch.setattr(paint, '_SAMPLES', 10_000)
    for name, value in (('_MOST_FACES', 11), ('_SIMPLER', 8), ('_PAINTED', 256)):
        monkeypatch.setattr(of_mesh, name, value)
    (part,) = of_mesh.mesh_data(mesh, 'z')['parts']
    assert len(numbers(part['faces'], '<u4')) < 3 * 12
    assert image_of(part['texture']).shape == (256, 256, 3)


def test_the_cameras_of_a_view_are_in_its_page(room, bag, tmp_path):
    poses = [pose_at(step) for step in (0.0, 0.3, 9.0)]
    stamps = BEGIN_NS + PERIOD_NS * np.array([0, 1, 9])
    write_tum(tmp_path / 'poses.tum', Trajectory(stamps, np.array(poses)))
    data = view(
        room.mesh, tmp_path / 'page.html', '--bag', bag, '--trajectory', tmp_path / 'poses.tum'
    )
    assert [pose['name'] for pose in data['poses']] == [
        'the pose as it is given',
        'the aligned pose',
    ]
    for pose in data['poses']:
        np.testing.assert_allclose(matrix(pose['pose']), poses[0][:3], atol=0.01)
    assert data['camera'] == vars(CAMERA)
    np.testing.assert_allclose(
        [matrix(pose) for pose in data['way']['poses']], poses_3x4(poses), atol=1e-4
    )
    assert data['way']['joined'] == [False, True, True]
    stamps[2] += 100 * PERIOD_NS
    write_tum(
        tmp_path / 'poses.tum',
        Trajectory(np.append(stamps, stamps[-1] + PERIOD_NS), np.array([*poses, poses[0]])),
    )
    data = view(room.mesh, tmp_path / 'page.html', '--trajectory', tmp_path / 'poses.tum')
    assert data['way']['joined'] == [False, True, False, True]


def matrix(rows):
    return np.array(rows).reshape(3, 4)


def poses_3x4(poses):
    return np.array(poses)[:, :3]


def test_the_page_of_a_track_has_its_poses_figures_and_refused_images(tracked):
    page = tracked / 'page.html'
    track = data_of(page)['track']
    is_seen = [number not in BLACK for number in range(COUNT)]
    assert track['trusted'] == is_seen
    assert track['joined'] == [False, *(a and b for a, b in pairwise(is_seen))]
    np.testing.assert_allclose(track['seconds'], 0.1 * np.arange(COUNT), atol=1e-4)
    found = [matrix(pose) for pose, is_good in zip(track['poses'], is_seen, strict=True) if is_good]
    np.testing.assert_allclose(found, poses_3x4(read_tum(tracked / 'poses.tum').poses), atol=1e-4)
    assert all(
        reason == '' for reason, is_good in zip(track['reasons'], is_seen, strict=True) if is_good
    )
    text = page.read_text()
    assert '7 of 9 images have a trusted pose (77.8%)' in text
    refused = re.findall(r'<tr><td>[a-z ]+</td><td>(\d+)</td></tr></table></div>', text)
    assert sum(map(int, refused)) >= 1
    pictures = re.findall(r'<img src="(data:[^"]+)" alt="(\w+)"', text)
    assert [name for _, name in pictures[:3]] == ['image', 'render', 'difference']
    images = [image_of(file) for file, name in pictures if name == 'image']
    assert len(images) >= 2
    assert images[0].mean() > 50
    assert images[1].mean() < 1


def test_the_first_refusals_of_each_reason_are_shown(room):
    from mesh_reloc_tools.track_page.pictures import Pictures

    from mesh_reloc_ros.types.estimate import PoseEstimate, Rejection, State
    from mesh_reloc_ros.types.frame import Frame

    pictures = Pictures(room.scene)
    frame = Frame(0, room.view(pose_at(0)), CAMERA)

    def add(rejection, times=1):
        for _ in range(times):
            estimate = PoseEstimate(
                0, State.TRACKING, rejection, '', pose_at(0), np.eye(6), is_located=False
            )
            pictures.add(frame, estimate)

    for _ in range(20):
        add(None, 3)
        add(Rejection.LOW_SCORE, 4)
    add(Rejection.INNOVATION)
    taken = [one.estimate.rejection for one in pictures.taken]
    assert taken == [None, *3 * [Rejection.LOW_SCORE], Rejection.INNOVATION]


def test_up_is_what_is_up_in_the_images(tracked, room, bag, tmp_path):
    assert data_of(tracked / 'page.html')['mesh']['up'] == [0, 0, 1]
    swapped = room.scene.mesh.vertices[:, [0, 2, 1]] * np.float32((1, -1, 1))
    write_obj(tmp_path / 'room.obj', replace(room.scene.mesh, vertices=swapped))
    turn = np.eye(4)
    turn[:3, :3] = ((1, 0, 0), (0, 0, -1), (0, 1, 0))
    start = ' '.join(f'{number:.9f}' for number in pose_to_numbers(turn @ pose_at(0)))
    given = ('--mesh', tmp_path / 'room.obj', '--bag', bag, '--output', tmp_path / 'poses.tum')
    words = ['track', *given, '--initial-pose', start, '--html', tmp_path / 'page.html']
    assert main(list(map(str, words))) == 0
    assert data_of(tmp_path / 'page.html')['mesh']['up'] == [0, -1, 0]


def test_a_robot_without_the_tools_is_told_what_is_missing(
    room, bag, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(drawings, 'entry_points', lambda group: ())
    given = ('--mesh', room.mesh, '--bag', bag, '--output', tmp_path / 'poses.tum')
    assert main(['track', *map(str, given), '--html', str(tmp_path / 'page.html')]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert '--html needs mesh_reloc_tools' in line


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        ((), 'give -o for a picture, --html for a page, or both'),
        (('--html', 'page.pdf'), 'give a name that ends in .html'),
        (('--html', 'nowhere/page.html'), 'the folder nowhere does not exist'),
    ],
)
def test_pages_that_cannot_be_written_are_refused_in_one_line(room, capsys, given, message):
    assert main(['view', str(room.mesh), *given]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_the_bundled_library_is_the_pinned_one():
    pinned = json.loads((Path(__file__).parents[2] / 'three/package.json').read_text())
    release = pinned['devDependencies']['three'].split('.')[1]
    assert f'"{release}"' in (ASSETS / 'three.min.js').read_text(encoding='utf-8')
    assert 'MIT' in (ASSETS / 'three.LICENSE').read_text(encoding='utf-8')


@pytest.mark.skipif(CHROMIUM is None, reason='no Chromium')
def test_a_browser_draws_the_page(tracked):
    options = (
        '--headless',
        '--no-sandbox',
        '--enable-unsafe-swiftshader',
        '--virtual-time-budget=20000',
    )
    page = (tracked / 'page.html').as_uri()
    run = subprocess.run(
        [str(CHROMIUM), *options, '--dump-dom', page],
        capture_output=True,
        text=True,
        timeout=LONG_S,
    )
    drawn = run.stdout[run.stdout.index('<div id="controls">') :]
    assert 'image 1 of 9, 0.00 s: TRACKING, score ' in drawn
    assert 'WebGL' not in run.stdout[run.stdout.index('id="point"') :][:200]
