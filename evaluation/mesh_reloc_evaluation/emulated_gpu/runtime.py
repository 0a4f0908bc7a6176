"""Streams, graphs and kernels of an emulated GPU."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mesh_reloc_evaluation.emulated_gpu.counts import running
from mesh_reloc_evaluation.emulated_gpu.tensors import is_gpu, unmarked
from mesh_reloc_ros import device
from mesh_reloc_ros.kernels.layout import COLUMNS, EXPOSURE_SIZE, SUMS, UNKNOWNS
from mesh_reloc_ros.kernels.normal_equations import accumulate
from mesh_reloc_ros.kernels.photometric import LiveImage, Template


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
            if isinstance(value, Tensor) and not is_gpu(value):
                raise RuntimeError('kernel: a tensor is not on the GPU')
        options.pop('num_warps', None)
        with torch._C.DisableTorchFunction(), torch._C.DisableTorchFunctionSubclass():
            plain = [unmarked(value) for value in arguments]
            if kernel.__name__ == 'accumulate':
                _accumulate(*plain)
            elif not (kernel.__name__ == 'advance' and _is_done(plain[1])):
                kernel[grid](*plain, **options)


def _is_done(state: Tensor) -> bool:
    """Whether the kernels would leave at once: the interpreter takes long even for that."""
    from mesh_reloc_ros.kernels.gpu import layout

    return bool(state.numpy()[layout.DONE.value])


def _accumulate(
    points: Tensor,
    colours: Tensor,
    gradients: Tensor,
    weights: Tensor,
    pixels: Tensor,
    usable: Tensor,
    level: Tensor,
    state: Tensor,
    systems: Tensor,
    count: int,
    block_size: int,
    blocks: int,
    width: int,
    height: int,
    has_mask: int,
) -> None:
    """Do what the kernel of this name does, by the compiled one: Triton's interpreter is slow."""
    from mesh_reloc_ros.kernels.gpu import layout

    if _is_done(state):
        return
    own = state.numpy()
    template = Template(
        points[0].numpy(), colours[0].numpy(), gradients[0].numpy(), weights[0].numpy(), block_size
    )
    mask = usable.numpy().reshape(height, width) if has_mask else np.empty((0, 0), np.uint8)
    live = LiveImage(pixels.numpy().reshape(height, width, 3), mask, *level.numpy()[:4].tolist())
    system, sums = np.zeros((UNKNOWNS, COLUMNS)), np.zeros(SUMS)
    accumulate(
        template,
        live,
        own[layout.TRIAL.value :][:16].reshape(4, 4),
        own[layout.TRIAL_EXPOSURE.value :][:EXPOSURE_SIZE],
        own[layout.SCALE.value],
        system,
        sums,
    )
    of_blocks = systems.numpy().reshape(blocks, layout.WIDTH.value, layout.WIDTH.value)
    of_blocks[:] = 0
    of_blocks[0, :UNKNOWNS, :COLUMNS] = system
    of_blocks[0, layout.ROW_OF_SUMS.value, :SUMS] = sums
