"""Reading a recording's images as frames, without ROS."""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mesh_reloc_evaluation.bag_writer import (
    camera_info,
    compressed,
    header,
    message,
    transform,
    write_bag,
)
from rosbags.rosbag2 import StoragePlugin
from support.footage import write_camera

from mesh_reloc_ros.cli import track
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.messages.rectification import rectification_from_info
from mesh_reloc_ros.read_ahead import read_ahead
from mesh_reloc_ros.recordings.bag import ImageBag
from mesh_reloc_ros.recordings.open import open_recording
from mesh_reloc_ros.types.camera import Camera

BEGIN_NS = 1_700_000_000_000_000_000
STEP_NS = 100_000_000
WIDTH, HEIGHT = 32, 24
CAMERA = Camera(WIDTH, HEIGHT, 30.0, 30.0, 16.0, 12.0)


def stamp(index: float) -> int:
    return BEGIN_NS + round(index * STEP_NS)


def picture(index):
    """Return a smooth RGB picture, another one for each index."""
    v, u = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack((u * 7, v * 9, np.full_like(u, 20 * index)), axis=-1).astype(np.uint8)


def raw(index, encoding='rgb8', padding=0):
    image = picture(index)
    if encoding == 'bgr8':
        image = image[:, :, ::-1]
    rows = image.reshape(HEIGHT, -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=99)
    return message(
        'sensor_msgs/msg/Image',
        header=header(stamp(index)),
        height=HEIGHT,
        width=WIDTH,
        encoding=encoding,
        is_bigendian=0,
        step=rows.shape[1],
        data=rows.reshape(-1).copy(),
    )


def png(index):
    return compressed(picture(index), stamp(index))


def info(index, fx=30.0, width=WIDTH, distortion=()):
    return camera_info(replace(CAMERA, fx=fx, width=width), stamp(index), distortion)


def bag_of(folder: Path, messages: list, storage=StoragePlugin.MCAP) -> Path:
    """Write (topic, index, message), recorded at the time of its index."""
    return write_bag(
        folder, [(topic, stamp(index), each) for topic, index, each in messages], storage
    )


@pytest.mark.parametrize('storage', list(StoragePlugin))
@pytest.mark.parametrize(
    'image',
    [raw, png, lambda i: raw(i, 'bgr8'), lambda i: raw(i, padding=40)],
    ids=['rgb8', 'png', 'bgr8', 'padded rows'],
)
def test_frames_are_the_pictures_that_were_recorded(tmp_path, image, storage):
    messages = [('/c/image_rect', i, image(i)) for i in range(4)]
    messages += [('/c/camera_info', i, info(i)) for i in range(4)]
    with ImageBag(bag_of(tmp_path / 'bag', messages, storage)) as bag:
        frames = list(bag.frames())
        # On another thread than the one that opened it.
        assert [frame.stamp_ns for frame in read_ahead(bag.frames())] == [
            frame.stamp_ns for frame in frames
        ]
        assert len(bag) == 4
    assert [frame.stamp_ns for frame in frames] == [BEGIN_NS + i * STEP_NS for i in range(4)]
    for i, frame in enumerate(frames):
        assert frame.image.dtype == np.uint8
        # To torch and numba, arrays that are read-only are of another kind.
        assert frame.image.flags.writeable
        np.testing.assert_array_equal(frame.image, picture(i))


def test_each_image_goes_with_the_camera_info_of_its_time(tmp_path):
    messages = [('/image', i, raw(i)) for i in range(4)]
    messages += [('/info', 1, info(1, fx=40.0)), ('/info', 3, info(3, fx=50.0))]
    with ImageBag(bag_of(tmp_path / 'bag', messages)) as bag:
        assert [frame.camera.fx for frame in bag.frames()] == [40.0, 40.0, 40.0, 50.0]


def test_a_span_of_the_bag_can_be_read(tmp_path):
    messages = [('/info', 0, info(0))] + [('/image', i, raw(i)) for i in range(6)]
    with ImageBag(bag_of(tmp_path / 'bag', messages)) as bag:
        frames = list(bag.frames(start_s=0.15, end_s=0.4))
    assert [frame.stamp_ns - BEGIN_NS for frame in frames] == [
        2 * STEP_NS,
        3 * STEP_NS,
        4 * STEP_NS,
    ]


def test_several_image_topics_are_named_until_one_is_chosen(tmp_path):
    bag = bag_of(tmp_path / 'bag', [('/a', 0, raw(0)), ('/b', 0, raw(1)), ('/info', 0, info(0))])
    with pytest.raises(InputError, match=r'\(/a, /b\): choose one with --image-topic'):
        ImageBag(bag)
    with ImageBag(bag, image_topic='/b') as chosen:
        np.testing.assert_array_equal(next(chosen.frames()).image, picture(1))
    with pytest.raises(InputError, match=r'no image topic /x; it has: /a, /b'):
        ImageBag(bag, image_topic='/x')


@pytest.mark.parametrize(
    ('messages', 'words'),
    [
        ([('/info', 0, info(0))], 'no image messages'),
        ([('/image', 0, raw(0))], 'no camera-info messages .*, or give --camera camera.yaml'),
    ],
)
def test_a_bag_that_lacks_a_topic_says_which(tmp_path, messages, words):
    with pytest.raises(InputError, match=words):
        ImageBag(bag_of(tmp_path / 'bag', messages))


def test_a_bag_without_camera_info_has_the_camera_of_a_file(tmp_path):
    path = bag_of(tmp_path / 'bag', [('/image', i, raw(i)) for i in range(4)])
    write_camera(tmp_path / 'camera.yaml', CAMERA)
    with open_recording(path, camera=tmp_path / 'camera.yaml') as recording:
        frames = list(recording.frames())
    assert [frame.stamp_ns for frame in frames] == [stamp(i) for i in range(4)]
    assert {frame.camera for frame in frames} == {CAMERA}
    np.testing.assert_array_equal(frames[2].image, picture(2))
    bent = (-0.3, 0.1, 0.0, 0.0, 0.0)
    write_camera(tmp_path / 'bent.yaml', CAMERA, bent)
    with open_recording(path, camera=tmp_path / 'bent.yaml', rectify=True) as recording:
        image = next(recording.frames()).image
    expected = rectification_from_info(info(0, distortion=bent)).apply(picture(0))
    np.testing.assert_array_equal(image, expected)
    with (
        open_recording(path, camera=tmp_path / 'bent.yaml') as recording,
        pytest.raises(InputError, match='give --rectify if'),
    ):
        next(recording.frames())


def test_what_is_not_a_bag_is_refused(tmp_path):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'broken').mkdir()
    (tmp_path / 'broken' / 'metadata.yaml').write_text('rosbag2_bagfile_information: 3\n')
    for name in ('missing', 'empty', 'broken'):
        with pytest.raises(InputError, match=name) as refusal:
            ImageBag(tmp_path / name)
        assert '\n' not in str(refusal.value)


@pytest.mark.parametrize(
    ('image', 'words'),
    [
        (raw(0, encoding='tin_foil'), 'tin_foil'),
        (raw(0, encoding='rgba8'), 'rgba8'),
        (
            compressed(bytes(9), stamp(0)),
            'cannot be decoded',
        ),
    ],
    ids=['unknown encoding', 'too little data', 'broken file'],
)
def test_an_image_that_cannot_be_read_is_refused_in_one_line(tmp_path, image, words):
    messages = [('/info', 0, info(0)), ('/image', 0, image)]
    with (
        ImageBag(bag_of(tmp_path / 'bag', messages)) as bag,
        pytest.raises(InputError, match=words) as refusal,
    ):
        list(bag.frames())
    assert '\n' not in str(refusal.value)


def test_a_camera_info_of_another_size_is_refused(tmp_path):
    messages = [('/info', 0, info(0, width=64)), ('/image', 0, raw(0))]
    with (
        ImageBag(bag_of(tmp_path / 'bag', messages)) as bag,
        pytest.raises(InputError, match='32x24 but camera_info says 64x24'),
    ):
        list(bag.frames())


@pytest.mark.parametrize('padding', [0, 40])
def test_images_of_other_encodings_are_read_as_the_node_reads_them(tmp_path, padding):
    grey = picture(0)[..., 0]
    deep = raw(0, 'mono16')
    rows = np.pad(grey.astype('>u2').view(np.uint8), ((0, 0), (0, padding)))
    deep = replace(deep, is_bigendian=1, step=rows.shape[1], data=rows.reshape(-1))
    messages = [('/info', 0, info(0)), ('/image', 0, deep)]
    with ImageBag(bag_of(tmp_path / 'bag', messages)) as bag:
        frame = next(bag.frames())
    np.testing.assert_array_equal(frame.image, np.dstack([grey] * 3))


def test_raw_images_with_a_distortion_are_refused_or_rectified(tmp_path):
    bent = (-0.3, 0.1, 0, 0)
    messages = [('/c/image_raw', 0, raw(0)), ('/c/camera_info', 0, info(0, distortion=bent))]
    path = bag_of(tmp_path / 'bag', messages)
    with ImageBag(path) as bag, pytest.raises(InputError, match=r'/c/image_raw .*--rectify'):
        list(bag.frames())
    with ImageBag(path, rectify=True) as bag:
        image = next(bag.frames()).image
    rectification = rectification_from_info(info(0, distortion=bent))
    np.testing.assert_array_equal(image, rectification.apply(picture(0)))
    assert not np.array_equal(image, picture(0))


def test_a_bag_is_rectified_on_request():
    parser = argparse.ArgumentParser()
    track.add_arguments(parser)
    given = ['--mesh', 'm.obj', '--bag', 'b', '--output', 'o']
    assert parser.parse_args([*given, '--rectify']).rectify
    assert not parser.parse_args(given).rectify


def odometry(index: float, metres: float, parent: str = 'odom', child: str = 'base'):
    pose = np.eye(4)
    pose[0, 3] = metres
    return transform(stamp(index), parent, child, pose)


def test_frames_have_the_camera_in_the_odometry_frame(tmp_path):
    messages = [('/tf_static', 0, odometry(0, 0.25, 'base', 'camera_optical_frame'))]
    for index in range(4):
        messages += [('/info', index, info(index)), ('/image', index, png(index))]
        # At other stamps than the images, and recorded later.
        messages += [('/tf', index + 0.7, odometry(index + 0.5, index + 0.5))]
    path = bag_of(tmp_path / 'bag', messages)
    with open_recording(path, odom_frame='odom') as recording:
        frames = list(recording.frames())
        assert '1 images have no odometry: no transform odom -> camera_optical_frame' in (
            recording.odometry_problem
        )
    assert frames[0].odom_T_camera is None
    for index, frame in enumerate(frames[1:], start=1):
        np.testing.assert_allclose(frame.odom_T_camera[:3, 3], (index + 0.25, 0, 0), atol=1e-9)
    with open_recording(path, odom_frame='odom', camera_frame='base') as recording:
        frame = list(recording.frames())[2]
    np.testing.assert_allclose(frame.odom_T_camera[0, 3], 2.0, atol=1e-9)
    with open_recording(str(path)) as recording:
        assert [frame.odom_T_camera for frame in recording.frames()] == [None] * 4
        assert recording.odometry_problem == ''


def test_a_bag_without_transforms_is_refused_if_odometry_is_asked_for(tmp_path):
    path = bag_of(tmp_path / 'bag', [('/info', 0, info(0)), ('/image', 0, raw(0))])
    with pytest.raises(InputError, match=r'no transforms on /tf: record /tf and /tf_static'):
        ImageBag(path, odom_frame='odom')


def test_a_bag_without_poses_has_no_ground_truth(tmp_path):
    path = bag_of(tmp_path / 'bag', [('/info', 0, info(0)), ('/image', 0, raw(0))])
    with open_recording(path) as recording:
        assert recording.ground_truth() is None
