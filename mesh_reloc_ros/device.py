"""The GPU: what only a GPU has, and transfers."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Runtime:
    """What only a GPU has. Tests put an emulation in its place; see `runtime`."""

    def stream(self) -> Any:
        """Return a stream of its own, for which all that was done before is ready."""
        torch.cuda.synchronize()
        return torch.cuda.Stream()

    def on(self, stream: Any) -> AbstractContextManager[Any]:
        """Return a context in which work goes to a stream."""
        return torch.cuda.stream(stream)

    def capture(self, work: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        """Return what repeats the work, and the tensor that it fills; call it on a stream."""
        graph = torch.cuda.CUDAGraph()
        self.settle()
        # Other threads go on with their own work.
        graph.capture_begin(capture_error_mode='thread_local')
        try:
            result = work()
        except BaseException:
            with contextlib.suppress(RuntimeError):
                graph.capture_end()
            raise
        graph.capture_end()
        return graph.replay, result

    def settle(self) -> None:
        """Wait for the work of this thread's stream."""
        torch.cuda.current_stream().synchronize()

    def pinned(self, count: int, dtype: torch.dtype) -> Tensor:
        """Return main memory that the GPU reads by itself."""
        return torch.empty(count, dtype=dtype, pin_memory=True)

    def launch(self, kernel: Any, grid: tuple[int, ...], *arguments: Any, **options: Any) -> None:
        """Start a kernel of Triton."""
        kernel[grid](*arguments, **options)


runtime = Runtime()
"""Of this process."""


def launch(kernel: Any, grid: tuple[int, ...], *arguments: Any, **options: Any) -> None:
    """Start a kernel of Triton."""
    runtime.launch(kernel, grid, *arguments, **options)


def pinned(count: int, dtype: torch.dtype) -> Tensor:
    """Return main memory that the GPU reads by itself."""
    return runtime.pinned(count, dtype)


def constant(values: Tensor, device: torch.device) -> Tensor:
    """Return a tensor on a device, to be kept and used on any stream.

    Graphs need such tensors, since they cannot copy from main memory.
    """
    sent = values.to(device)
    if device.type == 'cuda':
        runtime.settle()
    return sent


def to_host(tensors: Sequence[Tensor]) -> list[NDArray[np.float32]]:
    """Return float32 tensors as arrays in main memory, with one transfer."""
    if all(tensor.device.type == 'cpu' for tensor in tensors):
        return [tensor.contiguous().numpy() for tensor in tensors]
    return parts(joined(tensors).cpu().numpy(), [tensor.shape for tensor in tensors])


def joined(tensors: Sequence[Tensor]) -> Tensor:
    """Return tensors as one, one after the other."""
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


Packed = TypeVar('Packed', Tensor, NDArray[np.float32])


def parts(whole: Packed, shapes: Sequence[Sequence[int]]) -> list[Packed]:
    """Return the parts, of known shapes, of what was packed one after the other."""
    found, begin = [], 0
    for shape in shapes:
        size = math.prod(shape)
        found.append(whole[begin : begin + size].reshape(tuple(shape)))
        begin += size
    return found
