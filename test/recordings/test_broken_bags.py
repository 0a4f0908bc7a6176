"""Bags as they are found: cut, without metadata, with messages that cannot be used, of ROS 1."""

import shutil
import sqlite3
import struct
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from mesh_reloc_evaluation.bag_writer import (
    camera_info,
    compressed,
    header,
    message,
    pose,
    raw,
    write_bag,
)
from rosbags.rosbag1 import Writer as Ros1Writer
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.recordings.bag import ImageBag
from mesh_reloc_ros.recordings.open import open_recording
from mesh_reloc_ros.types.camera import Camera

BEGIN_NS = 1_700_000_000_000_000_000
STEP_NS = 100_000_000
# So large that a chunk of an MCAP file holds a few images only.
CAMERA = Camera(320, 240, 300.0, 300.0, 160.0, 120.0)
COUNT = 20
IMAGE, INFO = '/c/image_rect', '/c/camera_info'
STORE = get_typestore(Stores.ROS2_JAZZY)


def stamp(index: int) -> int:
    return BEGIN_NS + index * STEP_NS


def picture(index: int):
    return np.full((240, 320, 3), 10 * index, np.uint8)


def recorded(index: int, image=None, info=None):
    """Return the messages of an image, recorded at its stamp."""
    return [
        (INFO, stamp(index), info or camera_info(CAMERA, stamp(index))),
        (IMAGE, stamp(index), image or raw(picture(index), stamp(index))),
    ]


def written(folder: Path, storage=StoragePlugin.MCAP, count=COUNT) -> Path:
    messages = [each for index in range(count) for each in recorded(index)]
    return write_bag(folder, messages, storage)


def indices(frames) -> list[int]:
    """Return which image each frame is, by its stamp and its pixels."""
    frames = list(frames)
    found = [(frame.stamp_ns - BEGIN_NS) // STEP_NS for frame in frames]
    assert [int(frame.image[0, 0, 0]) // 10 for frame in frames] == found
    return found


@pytest.fixture
def bag(tmp_path):
    return written(tmp_path / 'bag')


# Files.


@pytest.mark.parametrize('storage', list(StoragePlugin))
def test_a_bag_is_read_without_metadata_and_as_a_single_file(tmp_path, storage):
    bag = written(tmp_path / 'bag', storage)
    (bag / 'metadata.yaml').unlink()
    (file,) = bag.iterdir()
    for path in (bag, file):
        with open_recording(path) as recording:
            assert len(recording) == COUNT
            assert indices(recording.frames()) == list(range(COUNT))
            assert recording.notices == []


@pytest.mark.parametrize(
    ('old', 'new'),
    [
        ('reliability: reliable', 'reliability: best_effort'),
        ('offered_qos_profiles:', 'offered_qos_profiles_of_another_release:'),
        ('message_count: ', 'message_count: 0 # '),
        ('rosbag2_bagfile_information:', '{{{'),
        ('bag.mcap', 'of_before_it_was_renamed.mcap'),
    ],
)
def test_what_metadata_says_wrongly_does_not_count(bag, old, new):
    """As after a repair with ros2 bag reindex, or where the files were renamed."""
    text = (bag / 'metadata.yaml').read_text()
    (bag / 'metadata.yaml').write_text(text.replace(old, new))
    with open_recording(bag) as recording:
        assert indices(recording.frames()) == list(range(COUNT))


def test_a_bag_of_several_files_is_one(tmp_path):
    for part in (0, 1):
        messages = [each for index in range(5 * part, 5 * part + 5) for each in recorded(index)]
        write_bag(tmp_path / f'part_{part}', messages)
    (tmp_path / 'bag').mkdir()
    for part in (0, 1):
        shutil.copy(tmp_path / f'part_{part}' / f'part_{part}.mcap', tmp_path / 'bag')
    with open_recording(tmp_path / 'bag') as recording:
        assert indices(recording.frames()) == list(range(10))


@pytest.mark.parametrize('share', [0.3, 0.55, 0.8, 0.999])
def test_of_a_cut_mcap_file_the_images_before_the_cut_are_read(bag, share):
    (file,) = bag.glob('*.mcap')
    data = file.read_bytes()
    file.write_bytes(data[: int(share * len(data))])
    with open_recording(bag) as recording:
        found = indices(recording.frames())
        (notice,) = recording.notices
    assert found == list(range(len(found)))
    # A chunk holds about five images; the last one is lost with the cut.
    assert share * COUNT - 10 < len(found) <= share * COUNT
    assert notice.startswith('bag.mcap is cut off: it was not closed; its last ')


def test_a_chunk_whose_index_was_cut_off_does_not_count(bag):
    (file,) = bag.glob('*.mcap')
    data = file.read_bytes()
    place, ends = 8, []
    while place < len(data) - 8:
        kind, length = struct.unpack_from('<BQ', data, place)
        place += 9 + length
        if kind == 6:
            ends.append(place)
    file.write_bytes(data[: ends[2]])
    with open_recording(bag) as recording:
        assert 6 <= len(recording) == len(indices(recording.frames())) <= 12


def test_a_cut_mcap_file_is_read_after_zeros_were_appended(bag):
    """As file systems do after a loss of power."""
    (file,) = bag.glob('*.mcap')
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2] + bytes(100_000))
    with open_recording(bag) as recording:
        assert len(indices(recording.frames())) >= 4


def test_a_bag_that_is_broken_inside_gives_the_images_before_that(tmp_path):
    unopened = Writer(tmp_path / 'bag', version=9, storage_plugin=StoragePlugin.MCAP)
    unopened.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
    with unopened as writer:
        connections = {}
        rng = np.random.default_rng(0)
        for index in range(COUNT):
            noise = rng.integers(0, 256, (240, 320, 3), dtype=np.uint8)
            noise[0, 0] = 10 * index
            for topic, time, each in recorded(index, raw(noise, stamp(index))):
                kind = each.__msgtype__
                if topic not in connections:
                    connections[topic] = writer.add_connection(topic, kind, typestore=STORE)
                writer.write(connections[topic], time, STORE.serialize_cdr(each, kind))
    (file,) = (tmp_path / 'bag').glob('*.mcap')
    data = bytearray(file.read_bytes())
    chunk = data.index(b'\x28\xb5\x2f\xfd', len(data) // 4)  # begin of zstd data
    data[chunk : chunk + 4] = bytes(4)
    file.write_bytes(data)
    with open_recording(tmp_path / 'bag') as recording:
        found = indices(recording.frames())
        (line,) = recording.left_out.lines()
    assert 4 <= len(found) <= 12
    assert line.startswith('nothing is read from ')
    assert 'the bag is broken (' in line


def test_a_broken_sqlite_file_is_refused_with_the_remedy(tmp_path):
    bag = written(tmp_path / 'bag', StoragePlugin.SQLITE3)
    (file,) = bag.glob('*.db3')
    file.write_bytes(b'no database' * 1000)
    with pytest.raises(InputError, match=r'cannot be read .*sqlite3 broken\.db3'):
        ImageBag(bag)


def test_messages_in_the_log_of_a_sqlite_file_are_named(tmp_path):
    """As a recorder leaves it that was killed."""
    bag = written(tmp_path / 'bag', StoragePlugin.SQLITE3, count=4)
    (file,) = bag.glob('*.db3')
    connection = sqlite3.connect(file)
    connection.execute('PRAGMA journal_mode=WAL')
    connection.execute('DELETE FROM messages WHERE id = (SELECT MAX(id) FROM messages)')
    connection.commit()
    with open_recording(bag) as recording:
        (notice,) = recording.notices
        assert indices(recording.frames()) == [0, 1, 2, 3]
    connection.close()
    assert notice.startswith('bag.db3-wal has messages that are not read: sqlite3 bag.db3 "PRAGMA')
    with open_recording(bag) as recording:
        assert recording.notices == []


def test_random_damage_ends_with_images_or_an_input_error(tmp_path):
    rng = np.random.default_rng(0)
    for storage in StoragePlugin:
        bag = written(tmp_path / storage.name, storage, count=4)
        (file,) = [*bag.glob('*.mcap'), *bag.glob('*.db3')]
        data = file.read_bytes()
        for _ in range(60):
            damaged = bytearray(data)
            for _ in range(rng.integers(1, 4)):
                # Headers are at both ends.
                place = int(rng.choice([rng.integers(3000), rng.integers(len(data)), -1]))
                place = len(data) - 1 - int(rng.integers(3000)) if place < 0 else place
                damaged[place : place + 4] = rng.integers(0, 256, 4, dtype=np.uint8).tobytes()
            file.write_bytes(damaged[: rng.choice([len(data), rng.integers(len(data))])])
            with suppress(InputError), ImageBag(bag) as recording:
                list(recording.frames())


def test_a_ros_1_bag_is_read(tmp_path):
    store = get_typestore(Stores.ROS1_NOETIC)
    types = store.types
    path = tmp_path / 'drive.bag'
    with Ros1Writer(path) as writer:
        kinds = {IMAGE: 'sensor_msgs/msg/Image', INFO: 'sensor_msgs/msg/CameraInfo'}
        connections = {t: writer.add_connection(t, k, typestore=store) for t, k in kinds.items()}
        for index in range(4):
            for topic, time, each in recorded(index):
                fields = {**vars(each), 'header': ros1_header(types, time)}
                for matrix in 'dkrp' if topic == INFO else '':
                    fields[matrix.upper()] = fields.pop(matrix)
                if topic == INFO:
                    roi = types['sensor_msgs/msg/RegionOfInterest'](**vars(fields['roi']))
                    fields['roi'] = roi
                converted = types[kinds[topic]](**fields)
                data = store.serialize_ros1(converted, kinds[topic])
                writer.write(connections[topic], time, data)
    with open_recording(path) as recording:
        frames = list(recording.frames())
    assert indices(frames) == [0, 1, 2, 3]
    assert {frame.camera for frame in frames} == {CAMERA}


def ros1_header(types, time_ns: int):
    seconds, nanoseconds = divmod(time_ns, 10**9)
    stamped = types['builtin_interfaces/msg/Time'](sec=seconds, nanosec=nanoseconds)
    return types['std_msgs/msg/Header'](seq=0, stamp=stamped, frame_id='camera')


# Messages.


def unusable() -> dict[str, tuple]:
    """Return images that cannot be used, with words of the reason."""
    image = raw(picture(3), stamp(3))
    return {
        'broken': (compressed(bytes(200), stamp(3)), 'cannot be decoded'),
        'cut': (compressed(jpeg()[:-400], stamp(3)), 'is cut off'),
        'empty': (replace(image, width=0, height=0, step=0, data=image.data[:0]), 'it is empty'),
        'no data': (replace(image, data=image.data[:0]), '0 bytes of data'),
        'unstamped': (replace(image, header=header(0)), 'image has no stamp'),
        'another size': (raw(picture(3)[:120, :160], stamp(3)), 'image is 160x120'),
        'depth': (replace(image, encoding='16UC1'), 'depth by convention'),
    }


def jpeg() -> bytes:
    return cv2.imencode('.jpg', picture(3))[1].tobytes()


@pytest.mark.parametrize('kind', list(unusable()))
def test_an_image_that_cannot_be_used_is_left_out(tmp_path, kind):
    image, words = unusable()[kind]
    # A topic has messages of one type.
    is_compressed = not hasattr(image, 'encoding')
    messages = []
    for index in range(6):
        good = compressed(picture(index), stamp(index)) if is_compressed else None
        messages += recorded(index, image if index == 3 else good)
    with open_recording(write_bag(tmp_path / 'bag', messages)) as recording:
        assert indices(recording.frames()) == [0, 1, 2, 4, 5]
        (line,) = recording.left_out.lines()
    assert line.startswith('1 image left out (0.300 s): ')
    assert words in line


def test_a_message_that_is_cut_is_left_out(tmp_path):
    with Writer(tmp_path / 'bag', version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connections = {}
        for index in range(6):
            for topic, time, each in recorded(index):
                kind = each.__msgtype__
                if topic not in connections:
                    connections[topic] = writer.add_connection(topic, kind, typestore=STORE)
                data = bytes(STORE.serialize_cdr(each, kind))
                writer.write(connections[topic], time, data[:50] if index == 2 else data)
    with open_recording(tmp_path / 'bag') as recording:
        assert indices(recording.frames()) == [0, 1, 3, 4, 5]
        lines = recording.left_out.lines()
    assert {line.split(' (')[0] for line in lines} == {
        '1 image left out',
        '1 camera_info left out',
    }


def test_a_camera_info_that_is_not_calibrated_is_left_out(tmp_path):
    """As of a driver that publishes its own beside that of the calibration."""
    bare = replace(camera_info(CAMERA, stamp(0)), k=np.zeros(9), p=np.zeros(12))
    messages = []
    for index in range(6):
        empty = replace(bare, header=header(stamp(index)))
        messages += recorded(index, info=empty if index in (0, 3) else None)
    with open_recording(write_bag(tmp_path / 'bag', messages)) as recording:
        frames = list(recording.frames())
        (line,) = recording.left_out.lines()
    assert indices(frames) == list(range(6))
    assert {frame.camera for frame in frames} == {CAMERA}
    assert line.startswith('2 camera_infos left out (the first: 0.000 s): camera_info says that')


def test_a_bag_of_which_nothing_can_be_used_is_refused_with_the_reason(tmp_path):
    bare = replace(camera_info(CAMERA, stamp(0)), k=np.zeros(9), p=np.zeros(12))
    messages = [each for index in range(3) for each in recorded(index, info=bare)]
    with (
        open_recording(write_bag(tmp_path / 'uncalibrated', messages)) as recording,
        pytest.raises(InputError, match=r'none of its camera_info can be used: .*not calibrated'),
    ):
        list(recording.frames())
    image = replace(raw(picture(0), stamp(0)), header=header(0))
    messages = [each for index in range(3) for each in recorded(index, image)]
    with (
        open_recording(write_bag(tmp_path / 'unstamped', messages)) as recording,
        pytest.raises(InputError, match='none of its images can be used: image has no stamp'),
    ):
        list(recording.frames())


def test_many_reasons_are_summed_up(tmp_path):
    messages = recorded(0)
    for index in range(1, 15):
        image = raw(picture(index), stamp(index))
        messages += recorded(index, replace(image, data=image.data[: 10 * index]))
    with open_recording(write_bag(tmp_path / 'bag', messages)) as recording:
        assert len(list(recording.frames())) == 1
        lines = recording.left_out.lines()
        assert recording.left_out.count('image') == 14
    assert len(lines) == 7
    assert lines[-1] == '8 more left out for other reasons'


def test_messages_of_other_kinds_are_no_matter(tmp_path):
    text = message('std_msgs/msg/String', data='hello')
    messages = [('/chatter', stamp(0), text), *recorded(0)]
    with open_recording(write_bag(tmp_path / 'bag', messages)) as recording:
        assert indices(recording.frames()) == [0]


@pytest.mark.parametrize('field', [b'uint32 step', b'string encoding'])
def test_images_whose_type_a_bag_defines_otherwise_are_left_out(bag, field):
    file = bag / f'{bag.name}.mcap'
    content = file.read_bytes()
    assert field in content
    file.write_bytes(content.replace(field, field[:-1] + b'x'))
    with ImageBag(bag) as recording, pytest.raises(InputError) as refused:
        recording.encoding()
    assert field.split()[1].decode() in str(refused.value)


def test_poses_whose_type_a_bag_defines_otherwise_are_left_out(tmp_path):
    poses = [('/pose', stamp(i), pose(np.eye(4), stamp(i))) for i in range(3)]
    bag = write_bag(tmp_path / 'bag', [*recorded(0), *poses], StoragePlugin.MCAP)
    with ImageBag(bag) as recording:
        assert len(recording.ground_truth().poses) == 3
    file = bag / 'bag.mcap'
    file.write_bytes(file.read_bytes().replace(b'float64 w', b'float64 q'))
    with ImageBag(bag) as recording:
        assert recording.ground_truth() is None
        assert 'Quaternion.w' in recording.left_out.lines()[0]
        assert len(list(recording.frames())) == 1
