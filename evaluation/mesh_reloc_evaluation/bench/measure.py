"""Processor time and peak memory of a piece of work."""

from __future__ import annotations

import gc
import re
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

_MIB = 2**20


@dataclass
class Cost:
    """Cost of a piece of work; set when it ends."""

    cpu_s: float = 0.0
    """Processor time of all threads."""
    memory_mib: float = 0.0
    """Peak resident memory of the whole process, including what was allocated before."""
    memory_since_start: bool = False
    """Whether the peak is since the start of the process, because this system cannot reset it."""
    gpu_memory_mib: float | None = None
    """Peak memory that torch allocated on the GPU; None without a GPU."""


@contextmanager
def measured(device: torch.device) -> Iterator[Cost]:
    """Measure the body of a `with` statement."""
    cost = Cost()
    gc.collect()
    on_gpu = device.type == 'cuda'
    if on_gpu:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    cost.memory_since_start = not _reset_peak_memory()
    begin = time.process_time()
    yield cost
    cost.cpu_s = time.process_time() - begin
    cost.memory_mib = _peak_mib()
    if on_gpu:
        cost.gpu_memory_mib = torch.cuda.max_memory_allocated() / _MIB


def _reset_peak_memory() -> bool:
    """Reset the peak of resident memory; return whether the system supports that (Linux does)."""
    try:
        Path('/proc/self/clear_refs').write_text('5')
    except OSError:
        return False
    return True


def _peak_mib() -> float:
    try:
        status = Path('/proc/self/status').read_text()
    except OSError:
        status = ''
    if match := re.search(r'VmHWM:\s+(\d+) kB', status):
        return int(match[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
