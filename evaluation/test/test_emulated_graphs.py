"""What an emulated GPU refuses, and the graphs that repeat work on it."""

import pytest
import torch
from mesh_reloc_evaluation.emulated_gpu.emulation import emulated_gpu

from mesh_reloc_ros.device import launch
from mesh_reloc_ros.graphs import Repeater, decide


def test_mixed_devices_and_reads_are_refused():
    with emulated_gpu() as counts:
        on_gpu = torch.arange(6.0, device='cuda')
        with pytest.raises(RuntimeError, match='same device'):
            on_gpu + torch.ones(6)
        with pytest.raises(TypeError, match='main memory'):
            on_gpu.numpy()
        assert counts.synchronisations == 0
        assert float(on_gpu.sum()) == 15
        assert (on_gpu.cpu() + torch.ones(6)).tolist() == [1, 2, 3, 4, 5, 6]
        assert counts.synchronisations == 2
        # Made, summed up, copied.
        assert counts.operations == 4
        for refused, tensor in (
            ('contiguous', torch.ones((3, 2), device='cuda').T),
            ('not on the GPU', torch.ones(2)),
        ):
            with pytest.raises(RuntimeError, match=refused):
                launch(None, (1,), tensor)
    with pytest.raises((RuntimeError, AssertionError)):
        torch.arange(6.0, device='cuda')


@pytest.mark.parametrize(
    ('work', 'refused'),
    [
        (lambda x: (None, [x * float(x.sum())]), 'cannot be read'),
        (lambda x: (None, [x[x > 0]]), 'cannot be read'),
        (lambda x: (None, [x + torch.ones(3).to('cuda')]), 'cannot copy'),
    ],
)
def test_what_a_graph_may_not_do_is_done_step_by_step(caplog, work, refused):
    with emulated_gpu() as counts:
        repeater = Repeater(torch.device('cuda'))
        results = [repeater.run(('key',), work, [torch.ones(3)]).arrays[0] for _ in range(3)]
        assert counts.graphs == 0
    assert all((result == results[0]).all() for result in results)
    assert len(caplog.messages) == 1
    assert refused in caplog.text


def test_a_graph_is_used_as_long_as_its_decisions_hold():
    calls = []

    def work(x):
        count = decide(x.sum(), lambda total: 2 * int(total), lambda room, total: total <= room)
        calls.append(count)
        return count, [x.repeat(count)]

    with emulated_gpu() as counts:
        repeater = Repeater(torch.device('cuda'))
        for value, expected in ((1.0, 2), (1.0, 2), (2.0, 2), (3.0, 6), (3.0, 6), (5.0, 6)):
            before = counts.graphs
            description, (array,), packed = repeater.run(('key',), work, [torch.tensor([value])])
            assert (description, array.tolist()) == (expected, [value] * expected)
            assert packed is None
            assert counts.graphs - before <= 1
        assert counts.graphs == 5
