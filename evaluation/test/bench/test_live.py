"""`mesh_reloc bench --live`: the node over DDS, measured from outside."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mesh_reloc_evaluation.bench.live.cores import (
    busy_loops,
    cores_of,
    peak_memory_mb,
    processor_seconds,
)

from mesh_reloc_ros.cli.main import main
from mesh_reloc_ros.errors import InputError

if TYPE_CHECKING:
    from mesh_reloc_evaluation.painted_room.sample import SampleFiles


@pytest.mark.dds
def test_two_cameras_are_measured(sample: 'SampleFiles', tmp_path: Path):
    inputs = ['--mesh', str(sample.mesh), '--bag', str(sample.bag), '--end', '1.0']
    options = ['--cameras', '2', '--rounds', '2', '--output', str(tmp_path)]
    assert main(['bench', '--live', *inputs, *options]) == 0
    content = json.loads((tmp_path / 'live.json').read_text())
    assert [each['camera'] for each in content['rounds']] == [0, 1, 0, 1]
    for each in content['rounds']:
        assert 0 < each['answered'] <= each['images']
        assert 0 < each['p50_ms'] <= each['p95_ms']
        assert each['median_cm'] < 2
        assert each['cores'] > 0
    assert all(memory > 100 for memory in content['memory_mb'])
    assert '| answered |' in (tmp_path / 'table.md').read_text()


def test_cores_are_those_of_the_machine():
    some = min(cores_of(''))
    assert cores_of(str(some)) == {some}
    for text in ('9999', 'one', '0,,1'):
        with pytest.raises(InputError, match='give cores of this machine'):
            cores_of(text)


def test_what_a_process_takes_grows():
    pid = os.getpid()
    with busy_loops(1, cores_of('')):
        before = processor_seconds(pid)
        while processor_seconds(pid) == before:
            pass
    assert peak_memory_mb(pid) > 10
