"""The decorator of all compiled functions, and where their machine code is kept on disk.

numba's own cache looks at the file of a function only: it returns old code where a function that
is called from another file has changed. Here the folder of the cache is named by a digest of the
sources of all kernels. So kernels may call each other, every change is noticed, and checkouts with
the same sources share the compiled code, wherever they are installed.

The folder is `mesh_reloc_ros/kernels/<digest>` in `$NUMBA_CACHE_DIR`, or else in the user's cache
folder.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from numba import njit
from numba.core import event
from numba.core.caching import CompileResultCacheImpl, FunctionCache, UserWideCacheLocator

from mesh_reloc_ros.files import user_cache
from mesh_reloc_ros.progress import Progress

Function = TypeVar('Function', bound=Callable[..., Any])

# Sums may be reordered, products fused. NaN and infinity keep their meaning.
_FAST_MATH = {'contract', 'reassoc', 'arcp', 'nsz'}
# Code of other sources is deleted when nothing was added to it for this long.
_KEPT_S = 30 * 24 * 3600


KERNELS: list[Any] = []
"""All compiled functions of the modules imported so far."""


@contextmanager
def compilation_shown(progress: Progress) -> Iterator[None]:
    """Report what is compiled meanwhile, on any thread; nothing if all of it is on disk."""
    listener = _Listener(progress)
    event.register('numba:compile', listener)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        event.unregister('numba:compile', listener)  # type: ignore[no-untyped-call]


class _Listener(event.Listener):
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._compiled: set[Any] = set()

    def on_start(self, event: Any) -> None:
        pass

    def on_end(self, event: Any) -> None:
        compiled = event.data['dispatcher']
        if compiled in KERNELS:
            self._compiled.add(compiled)
            # Some kernels may never be needed.
            self._progress('compiling', min(len(self._compiled) / len(KERNELS), 0.99))


def kernel(*, fastmath: bool = False) -> Callable[[Function], Function]:
    """Return a decorator that compiles a function when it is first called, or loads its code.

    Compiled functions release the GIL. Constants of other modules are compiled in: they must be
    defined in a module of this package too.

    :param fastmath: let sums be reordered and products be fused; NaN stays NaN.
    """

    def compiled(function: Function) -> Function:
        # Division by zero gives infinity or NaN: checks would rule out vector instructions.
        options: Any = {'nogil': True, 'error_model': 'numpy'}
        options['fastmath'] = _FAST_MATH if fastmath else False
        dispatcher: Any = njit(**options)(function)
        # As `njit(cache=True)` does with numba's own cache.
        dispatcher._cache = _KernelCache(function)  # type: ignore[no-untyped-call]
        KERNELS.append(dispatcher)
        result: Function = dispatcher
        return result

    return compiled


def _sources_digest() -> str:
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob('*.py')):
        digest.update(source.name.encode() + b'\0' + source.read_bytes() + b'\0')
    return digest.hexdigest()[:16]


_ROOT = Path(os.environ.get('NUMBA_CACHE_DIR') or user_cache()) / 'mesh_reloc_ros' / 'kernels'
CACHE_FOLDER = _ROOT / _sources_digest()


class _KernelLocator(UserWideCacheLocator):
    """Where the code of a function is kept, and what it is valid for."""

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> _KernelLocator:
        return cls(py_func, py_file)

    def get_cache_path(self) -> str:
        return str(CACHE_FOLDER)

    def get_source_stamp(self) -> str:
        # The folder's name is the stamp.
        return CACHE_FOLDER.name


class _KernelCacheImpl(CompileResultCacheImpl):
    _locator_classes = [_KernelLocator]  # noqa: RUF012


class _KernelCache(FunctionCache):
    """The code of one function on disk. What cannot be read or written is compiled again."""

    _impl_class = _KernelCacheImpl

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        except Exception:
            # A file is damaged, as after a power failure.
            shutil.rmtree(CACHE_FOLDER, ignore_errors=True)
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        if _sources_digest() != CACHE_FOLDER.name:
            # Sources have been edited since: which of them were compiled is not known.
            return
        try:
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]
            _prune()
        except OSError as error:
            warnings.warn(
                f'cannot keep compiled code in {CACHE_FOLDER} ({error}): every start takes minutes;'
                ' set NUMBA_CACHE_DIR to a folder that can be written',
                stacklevel=2,
            )


def _prune() -> None:
    """Delete the code of sources that have not been compiled for long.

    Other processes may use it: they compile again what they miss.
    """
    oldest = time.time() - _KEPT_S
    for folder in _ROOT.iterdir():
        if folder != CACHE_FOLDER and folder.stat().st_mtime < oldest:
            shutil.rmtree(folder, ignore_errors=True)
