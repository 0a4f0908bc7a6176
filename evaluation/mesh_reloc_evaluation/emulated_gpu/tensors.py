"""Tensors that are marked as those of a GPU, and what torch does with them there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

from mesh_reloc_evaluation.emulated_gpu.counts import running

_GPU = torch.device('cuda', 0)
_VIEWS = {
    'alias', 'as_strided', 'detach', 'diagonal', 'expand', 'permute', 'select', 'slice', 'split',
    'split_with_sizes', 'squeeze', 't', 'transpose', 'unbind', 'unflatten', 'unfold', 'unsqueeze',
    'view', '_unsafe_view', '_reshape_alias', 'empty', 'empty_like', 'empty_strided', 'new_empty',
    'lift_fresh', 'is_same_size',
}  # fmt: skip
_READS = {'_local_scalar_dense', 'nonzero', 'masked_select', 'equal'}


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


class OnGpu(TorchFunctionMode):
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
            running.host.read(name)
        if name not in _VIEWS:
            running.host.operation()
        return func(*args, **(kwargs or {}))


def _picks_by_mask(args: Sequence[Any]) -> bool:
    masks = (torch.bool, torch.uint8)
    return len(args) > 1 and any(
        isinstance(value, Tensor) and value.dtype in masks for value in tree_flatten(args[1])[0]
    )


def is_gpu(value: Any) -> bool:
    """Whether a value is a tensor of the GPU."""
    return isinstance(value, _GpuTensor)


def marked(value: Any) -> Any:
    """Return a value as one of the GPU, if it is a tensor."""
    is_new = isinstance(value, Tensor) and not is_gpu(value)
    return value.as_subclass(_GpuTensor) if is_new else value


def unmarked(value: Any) -> Any:
    """Return a value as one of main memory, if it is a tensor."""
    return value.as_subclass(Tensor) if is_gpu(value) else value


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
    return _GPU if is_gpu(tensor) else torch.device('cpu')


def _call(func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Do what a function of torch would do on a GPU."""
    name = getattr(func, '__name__', '')
    tensors = [value for value in tree_flatten((args, kwargs))[0] if isinstance(value, Tensor)]
    on_gpu, target = any(map(is_gpu, tensors)), _target(func, args, kwargs)
    if not on_gpu and (target is None or target.type == 'cpu'):
        return func(*args, **kwargs)
    if name == '__get__':
        attribute = func.__self__.__name__  # type: ignore[attr-defined]
        special = {'device': _GPU, 'is_cuda': True, 'is_cpu': False}
        if attribute in special:
            return special[attribute]
        with torch._C.DisableTorchFunctionSubclass():
            return marked(func(*args))
    if name == 'tolist':
        running.host.operation()
        running.host.read(name)
        return tensors[0].as_subclass(Tensor).tolist()
    if name in ('numpy', '__array__'):
        raise TypeError(f'{name}: the tensor is on the GPU: copy it to main memory first')
    if name in ('to', 'cpu', 'cuda') and tensors:
        return _transferred(func, args, kwargs, target)
    if name == 'copy_' and len(tensors) == 2 and is_gpu(tensors[0]) != is_gpu(tensors[1]):
        running.host.sent(name) if is_gpu(tensors[0]) else running.host.read(name)
        tensors[0].as_subclass(Tensor).copy_(tensors[1].as_subclass(Tensor))
        return tensors[0]
    _check_devices(name, args, kwargs, tensors)
    if target is not None:
        kwargs = {**kwargs, 'device': 'cpu'}
        if name in ('tensor', 'as_tensor'):
            running.host.sent(name)
            return marked(func(*args, **kwargs))
    with torch._C.DisableTorchFunctionSubclass(), _Counting():
        result = func(*args, **kwargs)
    return tree_map(marked, result)


def _transferred(
    func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], target: Any
) -> Any:
    tensor, rest = args[0], [a for a in args[1:] if not isinstance(a, (str, torch.device, Tensor))]
    options = {key: value for key, value in kwargs.items() if key != 'device'}
    target = _device_of(tensor) if target is None else target
    plain = tensor.as_subclass(Tensor)
    if (target.type == 'cuda') == is_gpu(tensor):
        with _Counting() if is_gpu(tensor) else contextlib.nullcontext():
            return _like(plain.to(*rest, **options), tensor)
    if is_gpu(tensor):
        running.host.operation()
        running.host.read('copy to main memory')
        return plain.to(*rest, **options).clone()
    running.host.sent('copy to the GPU')
    return marked(plain.to(*rest, **options).clone())


def _like(result: Tensor, tensor: Tensor) -> Tensor:
    return marked(result) if is_gpu(tensor) else result


def _check_devices(
    name: str, args: Sequence[Any], kwargs: Mapping[str, Any], tensors: Sequence[Tensor]
) -> None:
    """Refuse tensors of the CPU beside those of the GPU, except for single numbers."""
    foreign = [tensor for tensor in tensors if not is_gpu(tensor) and tensor.ndim]
    if name in ('__getitem__', '__setitem__'):
        index = tree_flatten(args[1])[0] if not isinstance(args[1], Tensor) else [args[1]]
        listed = isinstance(args[1], (list, tuple)) and any(
            isinstance(part, (list, tuple)) for part in args[1]
        )
        if listed or any(isinstance(part, Tensor) and not is_gpu(part) for part in index):
            # PyTorch sends such indices itself.
            running.host.sent('index of the CPU')
            foreign = []
    if foreign:
        raise RuntimeError(
            f'{name}: expected all tensors to be on the same device, but found at least two'
        )
