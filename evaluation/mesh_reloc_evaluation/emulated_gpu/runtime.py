"""Streams, graphs and kernels of an emulated GPU."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mesh_reloc_evaluation.emulated_gpu import kernels
from mesh_reloc_evaluation.emulated_gpu.counts import running
from mesh_reloc_evaluation.emulated_gpu.tensors import is_gpu, unmarked
from mesh_reloc_ros import device


class Event:
    """Of CUDA: here the wall time."""

    def __init__(self, enable_timing: bool = False) -> None:
        self._time = 0.0

    def record(self) -> None:
        """Note the time."""
        self._time = time.perf_counter()

    def synchronize(self) -> None:
        """Wait, which is not needed here."""

    def elapsed_time(self, end: Event) -> float:
        """Return the milliseconds from this event to another."""
        return 1e3 * (end._time - self._time)


class EmulatedRuntime(device.Runtime):
    """Streams and graphs."""

    def stream(self) -> Any:
        """Return a stream: there is only one."""
        return None

    def on(self, stream: Any) -> contextlib.AbstractContextManager[Any]:
        """Return a context in which work goes to a stream."""
        return contextlib.nullcontext()

    def capture(self, work: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        """Return what does the work again, and the tensor that it fills."""
        result = self._within_graph(work)

        def replay() -> None:
            running.host.counts.graphs += 1
            now = self._within_graph(work)
            result.as_subclass(Tensor).copy_(now.as_subclass(Tensor))

        return replay, result

    def _within_graph(self, work: Callable[[], Tensor]) -> Tensor:
        assert not running.host.in_graph
        running.host.in_graph = True
        try:
            return work()
        finally:
            running.host.in_graph = False

    def settle(self) -> None:
        """Wait for the work of this thread."""
        if running.host.in_graph:
            raise RuntimeError('a captured graph cannot wait')

    def pinned(self, count: int, dtype: torch.dtype) -> Tensor:
        """Return main memory."""
        return torch.empty(count, dtype=dtype)

    def launch(self, kernel: Any, grid: tuple[int, ...], *arguments: Any, **options: Any) -> None:
        """Run a kernel in the interpreter of Triton, or what does the same."""
        running.host.operation()
        for value in arguments:
            if not isinstance(value, Tensor):
                continue
            if not is_gpu(value):
                raise RuntimeError('kernel: a tensor is not on the GPU')
            if not unmarked(value).is_contiguous():
                raise RuntimeError('kernel: a tensor is not contiguous')
        options.pop('num_warps', None)
        with torch._C.DisableTorchFunction(), torch._C.DisableTorchFunctionSubclass():
            plain = [unmarked(value) for value in arguments]
            instead = kernels.COMPILED.get(kernel.__name__)
            if instead is not None:
                instead(*plain, **options)
            elif not (kernel.__name__ == 'advance' and kernels.are_done(plain[1])):
                kernel[grid](*plain, **options)
