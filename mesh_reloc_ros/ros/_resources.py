"""Memory use of the process."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

import torch

_MB = 1e6


def resources() -> dict[str, str]:
    """Return current and peak memory by name, also of the GPU if one is used."""
    # Kilobytes, but bytes on macOS.
    unit = 1 if sys.platform == 'darwin' else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    figures = {}
    statm = Path('/proc/self/statm')
    if statm.is_file():
        now = int(statm.read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE')
        figures['memory [MB]'] = f'{now / _MB:.0f}'
        # The kernel updates its figure with a delay.
        peak = max(peak, now)
    figures['memory peak [MB]'] = f'{peak / _MB:.0f}'
    if torch.cuda.is_initialized():
        figures['GPU memory [MB]'] = f'{torch.cuda.memory_allocated() / _MB:.0f}'
        figures['GPU memory peak [MB]'] = f'{torch.cuda.max_memory_allocated() / _MB:.0f}'
    return figures
