"""Plots by matplotlib, written as PNG files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mesh_reloc_ros.files import atomic_write


@contextmanager
def plot_file(path: Path, width: float, height: float) -> Iterator[Figure]:
    """Yield an empty figure, and write it as PNG when the body ends without an error.

    :param width: in inches. :param height: in inches.
    :raises OSError: the file cannot be written.
    """
    with mpl.rc_context({'font.size': 9, 'axes.spines.top': False, 'axes.spines.right': False}):
        figure = Figure(figsize=(width, height), layout='constrained')
        FigureCanvasAgg(figure)
        yield figure
        with atomic_write(path) as temporary:
            figure.savefig(temporary, dpi=110, format='png')
