"""A GPU emulated on the CPU: it counts what the host starts, and refuses what a GPU refuses.

Tensors of device `cuda` are ordinary ones that are marked. Operations on them are done on the CPU
and counted. As on a GPU, tensors of two devices do not mix, and an array cannot be read before it
is copied; within a captured graph the host can neither read nor send anything.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures.thread import _WorkItem
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np
import torch
from embreex import rtcore_scene
from embreex.mesh_construction import TriangleMesh
from numpy.typing import NDArray
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

from mesh_reloc_ros import device
from mesh_reloc_ros.kernels.layout import COLUMNS, EXPOSURE_SIZE, SUMS, UNKNOWNS
from mesh_reloc_ros.kernels.normal_equations import accumulate
from mesh_reloc_ros.kernels.photometric import LiveImage, Template
from mesh_reloc_ros.render import _pytorch3d_rasterizer

_GPU = torch.device('cuda', 0)
_VIEWS = {
    'alias', 'as_strided', 'detach', 'diagonal', 'expand', 'permute', 'select', 'slice', 'split',
    'split_with_sizes', 'squeeze', 't', 'transpose', 'unbind', 'unflatten', 'unfold', 'unsqueeze',
    'view', '_unsafe_view', '_reshape_alias', 'empty', 'empty_like', 'empty_strided', 'new_empty',
    'lift_fresh', 'is_same_size',
}  # fmt: skip
_READS = {'_local_scalar_dense', 'nonzero', 'masked_select', 'equal'}
# PyTorch3D fills four images, and three kernels look at boxes, bins and pixels, on two tables.
_RASTERIZER_LAUNCHES = 4 + 3 + 2


@dataclass
class Counts:
    """What the host did with the GPU."""

    operations: int = 0
    """Kernels and copies that it started one by one."""
    graphs: int = 0
    """Graphs that it started."""
    synchronisations: int = 0
    """How often it waited for a result."""
    in_graphs: int = 0
    """Kernels and copies within graphs."""

    @property
    def launches(self) -> int:
        """All that the host started; a graph counts as one."""
        return self.operations + self.graphs


class _State:
    """Of the emulation that runs."""

    def __init__(self) -> None:
        self.counts = Counts()
        self.in_graph = False

    def operation(self, count: int = 1) -> None:
        if self.in_graph:
            self.counts.in_graphs += count
        else:
            self.counts.operations += count

    def read(self, what: str) -> None:
        if self.in_graph:
            raise RuntimeError(f'{what}: a captured graph cannot be read by the host')
        self.counts.synchronisations += 1

    def sent(self, what: str) -> None:
        if self.in_graph:
            raise RuntimeError(f'{what}: a captured graph cannot copy from main memory')
        self.operation()


_state = _State()


class _GpuTensor(Tensor):
    """A tensor that is marked as one of the GPU."""

    @classmethod
    def __torch_function__(
        cls,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        return _call(func, args, kwargs or {})


class _Factories(TorchFunctionMode):
    """Makes tensors of the GPU, and sends tensors there."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        with torch._C.DisableTorchFunction():
            return _call(func, args, kwargs or {})


class _Counting(TorchDispatchMode):
    """Counts the operations that PyTorch dispatches."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        name = func.overloadpacket.__name__
        if name in _READS or (name.startswith('index') and _picks_by_mask(args)):
            _state.read(name)
        if name not in _VIEWS:
            _state.operation()
        return func(*args, **(kwargs or {}))


def _picks_by_mask(args: Sequence[Any]) -> bool:
    masks = (torch.bool, torch.uint8)
    return len(args) > 1 and any(
        isinstance(value, Tensor) and value.dtype in masks for value in tree_flatten(args[1])[0]
    )


def _is_gpu(value: Any) -> bool:
    return isinstance(value, _GpuTensor)


def _marked(value: Any) -> Any:
    is_new = isinstance(value, Tensor) and not _is_gpu(value)
    return value.as_subclass(_GpuTensor) if is_new else value


def _unmarked(value: Any) -> Any:
    return value.as_subclass(Tensor) if _is_gpu(value) else value


def _target(func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return the device that a call names, or None."""
    named = kwargs.get('device')
    if named is None and getattr(func, '__name__', '') in ('to', 'cpu', 'cuda'):
        if func.__name__ != 'to':
            return torch.device(func.__name__)
        named = next((a for a in args[1:] if isinstance(a, (str, torch.device))), None)
        if named is None and len(args) > 1 and isinstance(args[1], Tensor):
            named = _device_of(args[1])
    return None if named is None else torch.device(named)


def _device_of(tensor: Tensor) -> torch.device:
    return _GPU if _is_gpu(tensor) else torch.device('cpu')


def _call(func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Do what a function of torch would do on a GPU."""
    name = getattr(func, '__name__', '')
    tensors = [value for value in tree_flatten((args, kwargs))[0] if isinstance(value, Tensor)]
    on_gpu, target = any(map(_is_gpu, tensors)), _target(func, args, kwargs)
    if not on_gpu and (target is None or target.type == 'cpu'):
        return func(*args, **kwargs)
    if name == '__get__':
        attribute = func.__self__.__name__  # type: ignore[attr-defined]
        special = {'device': _GPU, 'is_cuda': True, 'is_cpu': False}
        if attribute in special:
            return special[attribute]
        with torch._C.DisableTorchFunctionSubclass():
            return _marked(func(*args))
    if name == 'tolist':
        _state.operation()
        _state.read(name)
        return tensors[0].as_subclass(Tensor).tolist()
    if name in ('numpy', '__array__'):
        raise TypeError(f'{name}: the tensor is on the GPU: copy it to main memory first')
    if name in ('to', 'cpu', 'cuda') and tensors:
        return _transferred(func, args, kwargs, target)
    if name == 'copy_' and len(tensors) == 2 and _is_gpu(tensors[0]) != _is_gpu(tensors[1]):
        _state.sent(name) if _is_gpu(tensors[0]) else _state.read(name)
        tensors[0].as_subclass(Tensor).copy_(tensors[1].as_subclass(Tensor))
        return tensors[0]
    _check_devices(name, args, kwargs, tensors)
    if target is not None:
        kwargs = {**kwargs, 'device': 'cpu'}
        if name in ('tensor', 'as_tensor'):
            _state.sent(name)
            return _marked(func(*args, **kwargs))
    with torch._C.DisableTorchFunctionSubclass(), _Counting():
        result = func(*args, **kwargs)
    return tree_map(_marked, result)


def _transferred(
    func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], target: Any
) -> Any:
    tensor, rest = args[0], [a for a in args[1:] if not isinstance(a, (str, torch.device, Tensor))]
    options = {key: value for key, value in kwargs.items() if key != 'device'}
    target = _device_of(tensor) if target is None else target
    plain = tensor.as_subclass(Tensor)
    if (target.type == 'cuda') == _is_gpu(tensor):
        with _Counting() if _is_gpu(tensor) else contextlib.nullcontext():
            return _like(plain.to(*rest, **options), tensor)
    if _is_gpu(tensor):
        _state.operation()
        _state.read('copy to main memory')
        return plain.to(*rest, **options).clone()
    _state.sent('copy to the GPU')
    return _marked(plain.to(*rest, **options).clone())


def _like(result: Tensor, tensor: Tensor) -> Tensor:
    return _marked(result) if _is_gpu(tensor) else result


def _check_devices(
    name: str, args: Sequence[Any], kwargs: Mapping[str, Any], tensors: Sequence[Tensor]
) -> None:
    """Refuse tensors of the CPU beside those of the GPU, except for single numbers."""
    foreign = [tensor for tensor in tensors if not _is_gpu(tensor) and tensor.ndim]
    if name in ('__getitem__', '__setitem__'):
        index = tree_flatten(args[1])[0] if not isinstance(args[1], Tensor) else [args[1]]
        listed = isinstance(args[1], (list, tuple)) and any(
            isinstance(part, (list, tuple)) for part in args[1]
        )
        if listed or any(isinstance(part, Tensor) and not _is_gpu(part) for part in index):
            # PyTorch sends such indices itself.
            _state.sent('index of the CPU')
            foreign = []
    if foreign:
        raise RuntimeError(
            f'{name}: expected all tensors to be on the same device, but found at least two'
        )


class _Event:
    """Of CUDA: here the wall time."""

    def __init__(self, enable_timing: bool = False) -> None:
        self._time = 0.0

    def record(self) -> None:
        self._time = time.perf_counter()

    def synchronize(self) -> None:
        pass

    def elapsed_time(self, end: _Event) -> float:
        return 1e3 * (end._time - self._time)


class _Runtime(device.Runtime):
    """Streams and graphs."""

    def stream(self) -> Any:
        return None

    def on(self, stream: Any) -> contextlib.AbstractContextManager[Any]:
        return contextlib.nullcontext()

    def capture(self, work: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        result = self._within_graph(work)

        def replay() -> None:
            _state.counts.graphs += 1
            now = self._within_graph(work)
            result.as_subclass(Tensor).copy_(now.as_subclass(Tensor))

        return replay, result

    def _within_graph(self, work: Callable[[], Tensor]) -> Tensor:
        assert not _state.in_graph
        _state.in_graph = True
        try:
            return work()
        finally:
            _state.in_graph = False

    def settle(self) -> None:
        if _state.in_graph:
            raise RuntimeError('a captured graph cannot wait')

    def pinned(self, count: int, dtype: torch.dtype) -> Tensor:
        return torch.empty(count, dtype=dtype)

    def launch(self, kernel: Any, grid: tuple[int, ...], *arguments: Any, **options: Any) -> None:
        _state.operation()
        for value in arguments:
            if isinstance(value, Tensor) and not _is_gpu(value):
                raise RuntimeError('kernel: a tensor is not on the GPU')
        options.pop('num_warps', None)
        with torch._C.DisableTorchFunction(), torch._C.DisableTorchFunctionSubclass():
            plain = [_unmarked(value) for value in arguments]
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


def _rasterize(
    meshes: Any,
    image_size: tuple[int, int],
    bin_size: int,
    max_faces_per_bin: int,
    **options: Any,
) -> tuple[Tensor, None, None, None]:
    """Return the nearest face at each pixel as PyTorch3D does, [B, H, W, 1], by casting rays.

    Where a bin has no room, most faces are dropped.
    """
    screen, faces = _unmarked(meshes.verts_packed()), _unmarked(meshes.faces_packed())
    views = len(_unmarked(meshes.num_faces_per_mesh()))
    corners = screen[faces].unflatten(0, (views, -1)).numpy()
    _state.operation(_RASTERIZER_LAUNCHES)
    height, width = image_size
    nearest = []
    for view in corners:
        is_full = bin_size and fullest_bin(view, width, height, bin_size) > max_faces_per_bin
        nearest.append(_cast(view[: max_faces_per_bin if is_full else None], width, height))
    first = len(corners[0]) * np.arange(views)[:, None, None]
    index = np.stack(nearest)
    index = np.where(index >= 0, index + first, -1)
    return _marked(torch.from_numpy(index)[..., None]), None, None, None


def fullest_bin(corners: NDArray[np.float32], width: int, height: int, bin_size: int) -> int:
    """Return how many faces of corners [F, 3, 3] PyTorch3D has for the fullest bin.

    :param corners: x and y in its NDC, z in metres.
    """
    shorter = min(width, height)
    seen = corners[..., 2].min(1) >= 1e-8
    overlaps = []
    for axis, size in enumerate((width, height)):
        low, high = corners[seen, :, axis].min(1), corners[seen, :, axis].max(1)
        first = bin_size * np.arange(-(-size // bin_size))
        begin, end = (2 * first - size) / shorter, (2 * (first + bin_size) - size) / shorter
        overlaps.append((low[:, None] <= end) & (begin < high[:, None]))
    across, down = (overlap.astype(np.float32) for overlap in overlaps)
    return int((down.T @ across).max()) if seen.any() else 0


def _cast(corners: NDArray[np.float32], width: int, height: int) -> NDArray[np.int64]:
    """Return the nearest face at each pixel, [H, W], of corners [F, 3, 3] in NDC."""
    seen = np.flatnonzero(corners[..., 2].min(1) >= 1e-8)
    if not len(seen):
        return np.full((height, width), -1)
    # With 1 / z, planes stay planes.
    straight = corners[seen]
    straight[..., 2] = 1 / straight[..., 2]
    scene = rtcore_scene.EmbreeScene()
    TriangleMesh(scene, straight.reshape(-1, 3), np.arange(3 * len(seen)).reshape(-1, 3))
    shorter = min(width, height)
    x = (width - 2 * (np.arange(width) + 0.5)) / shorter
    y = (height - 2 * (np.arange(height) + 0.5)) / shorter
    origins = np.empty((height, width, 3), np.float32)
    origins[..., 0], origins[..., 1], origins[..., 2] = x, y[:, None], 2 * straight[..., 2].max()
    along = np.zeros_like(origins)
    along[..., 2] = -1
    hit = scene.run(origins.reshape(-1, 3), along.reshape(-1, 3))
    return np.where(hit >= 0, seen[hit], -1).reshape(height, width)


_run_item = _WorkItem.run


def _run_on_gpu(item: Any, *arguments: Any) -> None:
    with _Factories():
        _run_item(item, *arguments)


@contextlib.contextmanager
def emulated_gpu() -> Iterator[Counts]:
    """Have torch find a GPU within a `with` statement, in its thread and those of thread pools."""
    global _state
    before, _state = _state, _State()
    try:
        with (
            mock.patch.dict(os.environ, {'TRITON_INTERPRET': '1'}),
            mock.patch.object(device, 'runtime', _Runtime()),
            mock.patch.object(torch.cuda, 'is_available', return_value=True),
            mock.patch.object(torch.cuda, 'synchronize'),
            mock.patch.object(torch.cuda, 'is_current_stream_capturing', return_value=False),
            mock.patch.object(torch.cuda, 'reset_peak_memory_stats'),
            mock.patch.object(torch.cuda, 'max_memory_allocated', return_value=0),
            mock.patch.object(torch.cuda, 'get_device_name', return_value='emulated GPU'),
            mock.patch.object(torch.cuda, 'Event', _Event),
            mock.patch.object(_pytorch3d_rasterizer, 'rasterize_meshes', _rasterize),
            mock.patch.object(_WorkItem, 'run', _run_on_gpu),
            _Factories(),
        ):
            yield _state.counts
    finally:
        _state = before
