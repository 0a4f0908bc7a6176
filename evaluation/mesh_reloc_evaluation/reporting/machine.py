"""The machine that metrics were measured on."""

from __future__ import annotations

import os
import platform
import re
from datetime import date
from pathlib import Path
from typing import Any

import cv2
import numba
import torch


def machine() -> dict[str, Any]:
    """Return processor, GPU, library versions and today's date."""
    has_affinity = hasattr(os, 'sched_getaffinity')
    return {
        'cpu': _processor(),
        'cores': len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count(),
        'gpu': torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        'python': platform.python_version(),
        'torch': torch.__version__,
        'numba': numba.__version__,
        'opencv': cv2.__version__,
        'date': date.today().isoformat(),
    }


def machine_line(machine: dict[str, Any]) -> str:
    """Return the machine in one line."""
    gpu = machine['gpu'] or 'no GPU'
    versions = ', '.join(f'{name} {machine[name]}' for name in ('torch', 'numba', 'opencv'))
    return f'{machine["cpu"]}, {machine["cores"]} cores, {gpu}; {versions}; {machine["date"]}'


def _processor() -> str:
    try:
        match = re.search(r'model name\s*:\s*(.+)', Path('/proc/cpuinfo').read_text())
    except OSError:
        match = None
    return match[1].strip() if match else platform.processor() or platform.machine()
