"""Arrays in files: read as they were written, in place or not, or not at all."""

import logging
import os

import numpy as np
import pytest

from mesh_reloc_ros import array_cache
from mesh_reloc_ros.array_cache import (
    cache_file,
    digest_of,
    read_arrays,
    write_arrays,
    write_later,
)


def some_arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        'bytes': rng.integers(0, 256, (1000, 3), dtype=np.uint8),
        'a_long_name_of_numbers': rng.normal(size=(7, 5, 2)),
        'single': np.array(0.5, dtype=np.float32),
        'empty': np.zeros((0, 3), dtype=np.int64),
    }


@pytest.fixture
def file(tmp_path):
    write_arrays(tmp_path / 'mesh.obj.some.npz', 'key', some_arrays())
    return tmp_path / 'mesh.obj.some.npz'


@pytest.mark.parametrize('in_place', [False, True])
def test_arrays_are_read_as_they_were_written(file, in_place):
    found = read_arrays(file, 'key', in_place=in_place)
    assert list(found) == list(some_arrays())
    for name, array in some_arrays().items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        np.testing.assert_array_equal(found[name], array)
    assert list(file.parent.iterdir()) == [file]


def test_arrays_in_place_are_aligned_and_changes_of_them_stay_here(file):
    found = read_arrays(file, 'key', in_place=True)
    for array in found.values():
        assert array.ctypes.data % 64 == 0
        # It is no copy.
        assert not array.flags.owndata
    found['bytes'][:] = 0
    again = read_arrays(file, 'key', in_place=True)
    np.testing.assert_array_equal(again['bytes'], some_arrays()['bytes'])
    # Who still uses a file that was replaced keeps what it was.
    write_arrays(file, 'key', {name: array + 1 for name, array in some_arrays().items()})
    np.testing.assert_array_equal(again['bytes'], some_arrays()['bytes'])


@pytest.mark.parametrize('in_place', [False, True])
def test_arrays_of_another_key_are_not_read_and_no_fault(file, in_place, caplog):
    assert read_arrays(file, 'other', in_place=in_place) is None
    assert read_arrays(file.with_name('none.npz'), 'key', in_place=in_place) is None
    assert not caplog.records


def damaged(content: bytes, how: str) -> bytes:
    middle = len(content) // 2
    return {
        'empty': b'',
        'cut': content[:-30],
        'half': content[:middle],
        'a bit': content[:1000] + bytes([content[1000] ^ 1]) + content[1001:],
        'zeros': content[:middle] + bytes(500) + content[middle + 500 :],
        'the end': content[:-40] + b'\xff' * 20 + content[-20:],
        'text': b'no arrays at all',
    }[how]


@pytest.mark.parametrize('in_place', [False, True])
@pytest.mark.parametrize('how', ['empty', 'cut', 'half', 'a bit', 'zeros', 'the end', 'text'])
def test_a_damaged_file_is_one_line_in_the_log(file, how, in_place, caplog):
    file.write_bytes(damaged(file.read_bytes(), how))
    with caplog.at_level(logging.WARNING):
        assert read_arrays(file, 'key', in_place=in_place) is None
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(f'{file} is damaged (')
    assert '\n' not in line


def test_arrays_that_are_written_later_are_there_in_the_end(file):
    write_later(file, 'later', some_arrays()).join()
    assert list(read_arrays(file, 'later')) == list(some_arrays())


def test_a_full_disk_costs_only_the_file(file, monkeypatch):
    usage = array_cache.shutil.disk_usage(file.parent)
    monkeypatch.setattr(array_cache.shutil, 'disk_usage', lambda path: usage._replace(free=4000))
    before = file.read_bytes()
    write_arrays(file, 'key', {'large': np.zeros(3000, dtype=np.uint8)})
    assert file.read_bytes() == before
    write_arrays(file, 'key', {'small': np.zeros(1500, dtype=np.uint8)})
    assert list(read_arrays(file, 'key')) == ['small']


def test_the_oldest_files_leave_the_users_cache_when_it_is_full(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'caches'))
    monkeypatch.setattr(os, 'access', lambda path, mode: False)
    monkeypatch.setattr(array_cache, '_MOST_CACHED_BYTES', 25_000)
    array = {'bytes': np.zeros(9000, dtype=np.uint8)}
    files = [cache_file(tmp_path / f'{name}.obj', 'some') for name in 'abc']
    for number, file in enumerate(files):
        write_arrays(file, 'key', array)
        os.utime(file, (number, number))
    assert [file.exists() for file in files] == [False, True, True]
    # Only there: beside a mesh, a file replaces the one before.
    other = tmp_path / 'other' / 'd.obj.some.npz'
    write_arrays(other, 'key', array)
    assert [file.exists() for file in files] == [False, True, True]


def test_digests_tell_arrays_and_texts_apart():
    rows = np.arange(6, dtype=np.int32)
    digests = {
        digest_of([rows]),
        digest_of([rows.reshape(2, 3)]),
        digest_of([rows.astype(np.uint32)]),
        digest_of([rows], 'text'),
        digest_of([rows[:3], rows[3:]]),
    }
    assert len(digests) == 5
    assert digest_of([rows[::-1][::-1]]) == digest_of([rows])
