"""`mesh_reloc info`: facts, notes with a remedy, and the exit status, for files of every kind."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from mesh_reloc_evaluation.bag_writer import camera_info, compressed, raw, write_bag
from mesh_reloc_evaluation.obj_file import write_obj
from support.footage import write_camera, write_video
from support.small_room import CAMERA, small_room_mesh

from mesh_reloc_ros.cli.main import main

SMALL = replace(CAMERA, width=64, height=48, fx=60.0, fy=60.0, cx=31.5, cy=23.5)
BENT = (-0.3, 0.1, 0.001, 0.002, 0.0)
BEGIN_NS, STEP_NS = 1_700_000_000_000_000_000, 50_000_000
LINE = re.compile(r' ([ !x]) (.{12})  (\S.*)')


def picture(index: int):
    return np.full((48, 64, 3), 10 * index, np.uint8)


def bag(folder: Path, steps, topic='/c/image_rect', distortion=(), image=None) -> Path:
    """Write images at these steps of time."""
    messages = []
    for number, step in enumerate(steps):
        stamp = BEGIN_NS + step * STEP_NS
        shown = image(number, stamp) if image else raw(picture(number), stamp)
        messages.append(('/c/camera_info', stamp, camera_info(SMALL, stamp, distortion)))
        messages.append((topic, stamp, shown))
    return write_bag(folder, messages)


def info(capsys, *paths) -> tuple[int, str]:
    """Return exit status and output; every line but the first of a file has the same form."""
    status = main(['info', *map(str, paths)])
    said = capsys.readouterr()
    assert said.err == ''
    for block in said.out.rstrip('\n').split('\n\n'):
        title, *lines = block.split('\n')
        assert title.endswith((': usable', ': not usable'))
        assert title.endswith(': not usable') == any(line.startswith(' x ') for line in lines)
        # The name of a topic may have a line of its own.
        whole = [line for line in lines if not re.fullmatch(r' [ !x] /\S+', line)]
        assert [line for line in whole if not LINE.fullmatch(line)] == []
    return status, said.out


def numbers(capsys, *paths) -> list[dict]:
    main(['info', '--json', *map(str, paths)])
    return json.loads(capsys.readouterr().out)


# Meshes.


def test_a_mesh_is_described(room, capsys):
    status, said = info(capsys, room.mesh)
    assert status == 0
    assert f'mesh {room.mesh}: usable' in said
    assert 'size          4 x 4 x 3 m, if its unit is the metre' in said
    assert 'winding       faces agree on their front' in said
    (found,) = numbers(capsys, room.mesh)
    mesh = small_room_mesh()
    assert found['kind'] == 'mesh'
    assert found['usable']
    assert found['numbers']['faces'] == len(mesh.faces)
    assert found['numbers']['extent_m'] == pytest.approx([4, 4, 3])
    assert [page['width'] for page in found['numbers']['textures']] == [
        texture.shape[1] for texture in mesh.textures
    ]
    assert sum(page['faces'] for page in found['numbers']['textures']) == len(mesh.faces)


def test_the_texel_is_the_size_of_a_pixel_of_the_texture(tmp_path, capsys):
    quad(tmp_path / 'q.obj', size=2.0, pixels=100)
    (found,) = numbers(capsys, tmp_path / 'q.obj')
    assert found['numbers']['texel_m'] == pytest.approx(0.02)
    _, said = info(capsys, tmp_path / 'q.obj')
    # At 0.8 x 640 pixels, 20 mm fill a pixel from 10 m.
    assert 'texel         20 mm: as fine as images 640 pixels wide from 10 m' in said


def quad(path: Path, size: float, pixels: int, offset: float = 0.0, more: str = '') -> Path:
    """Write a square in the plane of x and y, which faces z."""
    a, b = offset, offset + size
    path.write_text(
        f'mtllib q.mtl\nv {a} {a} 0\nv {b} {a} 0\nv {b} {b} 0\nv {a} {b} 0\n'
        f'vt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\nusemtl m\nf 1/1 2/2 3/3\nf 1/1 3/3 4/4\n{more}'
    )
    path.with_name('q.mtl').write_text('newmtl m\nmap_Kd q.png\n')
    noise = np.random.default_rng(0).integers(0, 256, (pixels, pixels, 3), dtype=np.uint8)
    PIL.Image.fromarray(noise).save(path.with_name('q.png'))
    return path


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'size': 4000.0}, '! unit .* if it is in millimetres, scale it by 0.001'),
        ({'size': 800.0}, '! unit .* if it is in centimetres, scale it by 0.01'),
        ({'size': 0.2}, '! unit .* scale the mesh to metres'),
        ({'size': 2.0, 'offset': 500_000.0}, '! file .* far from zero, at '),
        ({'size': 2.0, 'more': 'f 1 2 3\n'}, '! untextured    33.3% of the surface'),
        ({'size': 2.0, 'more': 'f 1/1 3/3 2/2\nf 1/1 4/4 3/3\n'}, r'up            z is .* 50%'),
    ],
)
def test_what_is_unusual_in_a_mesh_is_noted(tmp_path, capsys, changes, words):
    status, said = info(capsys, quad(tmp_path / 'q.obj', pixels=8, **changes))
    assert status == 0
    assert re.search(words, said)


def test_faces_that_do_not_agree_on_their_front_are_noted(tmp_path, capsys):
    mesh = small_room_mesh()
    faces = mesh.faces.copy()
    faces[::2] = faces[::2, ::-1]
    write_obj(tmp_path / 'mixed.obj', replace(mesh, faces=faces))
    _, said = info(capsys, tmp_path / 'mixed.obj')
    assert '! winding       faces do not agree on their front' in said


def test_a_surface_that_faces_another_axis_than_up_is_noted(tmp_path, capsys):
    path = quad(tmp_path / 'q.obj', size=2.0, pixels=8)
    assert 'up            z is assumed; 100% of the surface faces it' in info(capsys, path)[1]
    path.write_text(re.sub(r'v (\S+) (\S+) 0', r'v 0 \1 \2', path.read_text()))
    _, said = info(capsys, path)
    assert '! up            z is assumed, but 0.0% of the surface faces it, and x has 100%' in said


# Recordings.


def test_a_bag_is_described_with_the_command_to_use_it(room, tmp_path, capsys):
    path = bag(tmp_path / 'bag', range(8))
    status, said = info(capsys, room.mesh, path)
    assert status == 0
    assert '8 images, 20 per second, 64x48, rgb8\n' in said
    assert f'try           mesh_reloc track --mesh {room.mesh} --bag {path} --output' in said
    assert '!' not in said.split(f'bag {path}')[1]
    found = numbers(capsys, path)[0]['numbers']['topics']['/c/image_rect']
    assert found['rate_hz'] == pytest.approx(20)
    assert (found['images'], found['raw'], found['gaps']) == (8, False, 0)


def test_gaps_disorder_and_broken_images_of_a_bag_are_noted(tmp_path, capsys):
    def image(number, stamp):
        if number == 3:
            return compressed(b'broken', stamp)
        return compressed(picture(number), BEGIN_NS if number == 5 else stamp)

    path = bag(tmp_path / 'bag', [*range(8), *range(60, 64)], '/c/image_rect', image=image)
    status, said = info(capsys, path)
    assert status == 0
    assert re.search(r'! +1 image left out \(0\.150 s\): compressed image', said)
    assert re.search(r'! +a gap of 2\.[67] s at 0\.[34] s', said)
    assert '1 of 11 stamps are not newer than the one before' in said


def test_raw_images_are_to_be_rectified(tmp_path, capsys):
    path = bag(tmp_path / 'bag', range(3), '/c/image_raw', BENT)
    status, said = info(capsys, path)
    assert status == 0
    assert '64x48, rgb8, raw' in said
    assert 'distortion    plumb_bob (-0.3, 0.1, 0.001, 0.002, 0)' in said
    assert f'--bag {path} --rectify --output' in said


def test_of_several_topics_those_that_can_be_used_count(tmp_path, capsys):
    messages = []
    for number in range(4):
        stamp = BEGIN_NS + number * STEP_NS
        depth = replace(raw(picture(number), stamp), encoding='16UC1', step=128)
        messages += [
            ('/left/camera_info', stamp, camera_info(SMALL, stamp)),
            ('/depth/camera_info', stamp, camera_info(SMALL, stamp)),
            ('/depth/image', stamp, depth),
            ('/left/image_rect', stamp, raw(picture(number), stamp)),
        ]
    status, said = info(capsys, write_bag(tmp_path / 'bag', messages))
    assert status == 0
    assert re.search(r' ! /depth/image\n? .*none of its images can be used: .*depth', said)
    assert '--image-topic /left/image_rect --camera-info-topic /left/camera_info' in said


def test_a_cut_bag_is_noted_and_one_without_images_or_calibration_cannot_be_used(tmp_path, capsys):
    bare = [('/c/image_rect', BEGIN_NS, raw(picture(0), BEGIN_NS))]
    assert info(capsys, write_bag(tmp_path / 'bare', bare))[0] == 2
    assert ' x camera_info   there is none' in info(capsys, tmp_path / 'bare')[1]
    only = [('/c/camera_info', BEGIN_NS, camera_info(SMALL, BEGIN_NS))]
    assert info(capsys, write_bag(tmp_path / 'only', only))[0] == 2
    zero = replace(camera_info(SMALL, BEGIN_NS), k=np.zeros(9), p=np.zeros(12))
    messages = [('/c/camera_info', BEGIN_NS, zero), *bare]
    status, said = info(capsys, write_bag(tmp_path / 'zero', messages))
    assert status == 2
    assert 'the camera is not calibrated' in said
    path = bag(tmp_path / 'bag', range(600))
    (file,) = path.glob('*.mcap')
    file.write_bytes(file.read_bytes()[:-1000])
    status, said = info(capsys, path)
    assert status == 0
    assert ' ! file          bag.mcap is cut off' in said


@pytest.fixture
def camera(tmp_path):
    return write_camera(tmp_path / 'camera.yaml', SMALL)


def test_a_video_and_images_are_compared_with_the_calibration(tmp_path, camera, capsys):
    video = write_video(tmp_path / 'my clip.mp4', map(picture, range(6)), 25.0)
    (tmp_path / 'photos').mkdir()
    for number in (9, 10):
        PIL.Image.fromarray(picture(number)).save(tmp_path / 'photos' / f'{number}.png')
    (tmp_path / 'photos' / '11.png').write_bytes(b'broken')
    status, said = info(capsys, video, tmp_path / 'photos', camera)
    assert status == 0
    assert 'images        about 6 of 64x48, 25 per second' in said
    assert 'images        3, in this order: 9.png to 11.png' in said
    assert '1 image left out (11.png)' in said
    assert f"--video '{video}' --camera {camera} --output" in said
    assert f'--images {tmp_path / "photos"} --camera {camera} --output' in said
    assert 'camera        64x48, 56 x 44 degrees, focal length 60.0, 60.0' in said
    other = write_camera(tmp_path / 'other.yaml', CAMERA)
    status, said = info(capsys, video, other)
    assert status == 2
    assert f' x camera        image is 64x48, but camera file {other} is for 320x240' in said
    assert info(capsys, video, other, camera)[0] == 0


def test_a_calibration_with_distortion_says_what_to_tell(tmp_path, capsys):
    status, said = info(capsys, write_camera(tmp_path / 'c.yaml', SMALL, BENT))
    assert status == 0
    assert 'give --rectify for raw images, --rectified for' in said
    status, said = info(capsys, write_camera(tmp_path / 'd.yaml', replace(SMALL, cx=100.0, cy=80)))
    assert status == 2
    assert 'has its principal point at (100, 80)' in said


@pytest.mark.parametrize('name', ['nowhere', 'no.obj', 'no.mp4', 'no.yaml', 'no.mcap', 'no*.jpg'])
def test_what_is_not_there_cannot_be_used(tmp_path, capsys, name):
    status, said = info(capsys, tmp_path / name)
    assert status == 2
    assert said.count(' x ') == 1
    (found,) = numbers(capsys, tmp_path / name)
    assert not found['usable']


def test_what_is_of_no_known_kind_cannot_be_used(tmp_path, capsys):
    (tmp_path / 'notes.md').write_text('notes')
    assert 'is no mesh, bag, video, image or calibration' in info(capsys, tmp_path / 'notes.md')[1]
    (tmp_path / 'empty').mkdir()
    assert 'no images there' in info(capsys, tmp_path / 'empty')[1]
