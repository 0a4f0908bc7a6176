"""Reading a recording's images as frames, without ROS."""

import argparse
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from mesh_reloc_evaluation.study import trust
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from mesh_reloc_ros.cli import track
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.messages.rectification import rectification_from_info
from mesh_reloc_ros.recordings.bag import ImageBag

STORE = get_typestore(Stores.ROS2_JAZZY)
TYPES = STORE.types
BEGIN_NS = 1_700_000_000_000_000_000
STEP_NS = 100_000_000
WIDTH, HEIGHT = 32, 24


def header(index):
    stamp = BEGIN_NS + index * STEP_NS
    time = TYPES['builtin_interfaces/msg/Time'](sec=stamp // 10**9, nanosec=stamp % 10**9)
    return TYPES['std_msgs/msg/Header'](stamp=time, frame_id='camera')


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
    return TYPES['sensor_msgs/msg/Image'](
        header=header(index),
        height=HEIGHT,
        width=WIDTH,
        encoding=encoding,
        is_bigendian=0,
        step=rows.shape[1],
        data=rows.reshape(-1).copy(),
    )


def compressed(index):
    data = cv2.imencode('.png', picture(index)[:, :, ::-1])[1].reshape(-1)
    return TYPES['sensor_msgs/msg/CompressedImage'](header=header(index), format='png', data=data)


def info(index, fx=30.0, width=WIDTH, distortion=()):
    roi = TYPES['sensor_msgs/msg/RegionOfInterest'](
        x_offset=0, y_offset=0, height=0, width=0, do_rectify=False
    )
    return TYPES['sensor_msgs/msg/CameraInfo'](
        header=header(index),
        height=HEIGHT,
        width=width,
        distortion_model='plumb_bob',
        d=np.array(distortion, dtype=np.float64),
        k=np.array([fx, 0, 16, 0, fx, 12, 0, 0, 1]),
        r=np.eye(3).ravel(),
        p=np.array([fx, 0, 16, 0, 0, fx, 12, 0, 0, 0, 1, 0]),
        binning_x=0,
        binning_y=0,
        roi=roi,
    )


def write_bag(folder: Path, messages: list, storage=StoragePlugin.MCAP) -> Path:
    """Write (topic, index, message), recorded at the time of its index."""
    with Writer(folder, version=9, storage_plugin=storage) as writer:
        connections = {}
        for topic, index, message in messages:
            if topic not in connections:
                connections[topic] = writer.add_connection(
                    topic, message.__msgtype__, typestore=STORE
                )
            data = STORE.serialize_cdr(message, message.__msgtype__)
            writer.write(connections[topic], BEGIN_NS + index * STEP_NS, data)
    return folder


@pytest.mark.parametrize('storage', list(StoragePlugin))
@pytest.mark.parametrize(
    'image',
    [raw, compressed, lambda i: raw(i, 'bgr8'), lambda i: raw(i, padding=40)],
    ids=['rgb8', 'png', 'bgr8', 'padded rows'],
)
def test_frames_are_the_pictures_that_were_recorded(tmp_path, image, storage):
    messages = [('/c/image_rect', i, image(i)) for i in range(4)]
    messages += [('/c/camera_info', i, info(i)) for i in range(4)]
    with ImageBag(write_bag(tmp_path / 'bag', messages, storage)) as bag:
        frames = list(bag.frames())
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
    with ImageBag(write_bag(tmp_path / 'bag', messages)) as bag:
        assert [frame.camera.fx for frame in bag.frames()] == [40.0, 40.0, 40.0, 50.0]


def test_a_span_of_the_bag_can_be_read(tmp_path):
    messages = [('/info', 0, info(0))] + [('/image', i, raw(i)) for i in range(6)]
    with ImageBag(write_bag(tmp_path / 'bag', messages)) as bag:
        frames = list(bag.frames(start_s=0.15, end_s=0.4))
    assert [frame.stamp_ns - BEGIN_NS for frame in frames] == [
        2 * STEP_NS,
        3 * STEP_NS,
        4 * STEP_NS,
    ]


def test_several_image_topics_are_named_until_one_is_chosen(tmp_path):
    bag = write_bag(tmp_path / 'bag', [('/a', 0, raw(0)), ('/b', 0, raw(1)), ('/info', 0, info(0))])
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
        ([('/image', 0, raw(0))], 'no camera-info messages'),
    ],
)
def test_a_bag_that_lacks_a_topic_says_which(tmp_path, messages, words):
    with pytest.raises(InputError, match=words):
        ImageBag(write_bag(tmp_path / 'bag', messages))


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
            TYPES['sensor_msgs/msg/CompressedImage'](
                header=header(0), format='jpeg', data=np.zeros(9, dtype=np.uint8)
            ),
            'cannot be decoded',
        ),
    ],
    ids=['unknown encoding', 'too little data', 'broken file'],
)
def test_an_image_that_cannot_be_read_is_refused_in_one_line(tmp_path, image, words):
    messages = [('/info', 0, info(0)), ('/image', 0, image)]
    with (
        ImageBag(write_bag(tmp_path / 'bag', messages)) as bag,
        pytest.raises(InputError, match=words) as refusal,
    ):
        list(bag.frames())
    assert '\n' not in str(refusal.value)


def test_a_camera_info_of_another_size_is_refused(tmp_path):
    messages = [('/info', 0, info(0, width=64)), ('/image', 0, raw(0))]
    with (
        ImageBag(write_bag(tmp_path / 'bag', messages)) as bag,
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
    with ImageBag(write_bag(tmp_path / 'bag', messages)) as bag:
        frame = next(bag.frames())
    np.testing.assert_array_equal(frame.image, np.dstack([grey] * 3))


def test_raw_images_with_a_distortion_are_refused_or_rectified(tmp_path):
    bent = (-0.3, 0.1, 0, 0)
    messages = [('/c/image_raw', 0, raw(0)), ('/c/camera_info', 0, info(0, distortion=bent))]
    path = write_bag(tmp_path / 'bag', messages)
    with ImageBag(path) as bag, pytest.raises(InputError, match=r'/c/image_raw .*--rectify'):
        list(bag.frames())
    with ImageBag(path, rectify=True) as bag:
        image = next(bag.frames()).image
    rectification = rectification_from_info(info(0, distortion=bent))
    np.testing.assert_array_equal(image, rectification.apply(picture(0)))
    assert not np.array_equal(image, picture(0))


@pytest.mark.parametrize('add', [track.add_arguments, trust.add_arguments])
def test_commands_have_bags_rectified_on_request(add):
    parser = argparse.ArgumentParser()
    add(parser)
    given = ['--mesh', 'm.obj', '--bag', 'b', '--output', 'o']
    assert parser.parse_args([*given, '--rectify']).rectify
    assert not parser.parse_args(given).rectify
