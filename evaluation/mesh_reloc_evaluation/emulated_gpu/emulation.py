"""A GPU emulated on the CPU: it counts what the host starts, and refuses what a GPU refuses.

Tensors of device `cuda` are ordinary ones that are marked. Operations on them are done on the CPU
and counted. As on a GPU, tensors of two devices do not mix, and an array cannot be read before it
is copied; within a captured graph the host can neither read nor send anything.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from concurrent.futures.thread import _WorkItem
from typing import Any
from unittest import mock

import torch

from mesh_reloc_evaluation.emulated_gpu.counts import Counts, Host, running
from mesh_reloc_evaluation.emulated_gpu.rasterizer import rasterize_meshes
from mesh_reloc_evaluation.emulated_gpu.runtime import EmulatedRuntime, Event
from mesh_reloc_evaluation.emulated_gpu.tensors import OnGpu
from mesh_reloc_ros import device
from mesh_reloc_ros.render import _pytorch3d_rasterizer

_run_item = _WorkItem.run


def _run_on_gpu(item: Any, *arguments: Any) -> None:
    with OnGpu():
        _run_item(item, *arguments)


@contextlib.contextmanager
def emulated_gpu() -> Iterator[Counts]:
    """Have torch find a GPU within a `with` statement, in its thread and those of thread pools."""
    before, running.host = running.host, Host()
    try:
        with (
            mock.patch.dict(os.environ, {'TRITON_INTERPRET': '1'}),
            mock.patch.object(device, 'runtime', EmulatedRuntime()),
            mock.patch.object(torch.cuda, 'is_available', return_value=True),
            mock.patch.object(torch.cuda, 'synchronize'),
            mock.patch.object(torch.cuda, 'is_current_stream_capturing', return_value=False),
            mock.patch.object(torch.cuda, 'reset_peak_memory_stats'),
            mock.patch.object(torch.cuda, 'max_memory_allocated', return_value=0),
            mock.patch.object(torch.cuda, 'get_device_name', return_value='emulated GPU'),
            mock.patch.object(torch.cuda, 'Event', Event),
            mock.patch.object(_pytorch3d_rasterizer, 'rasterize_meshes', rasterize_meshes),
            mock.patch.object(_WorkItem, 'run', _run_on_gpu),
            OnGpu(),
        ):
            yield running.host.counts
    finally:
        running.host = before
