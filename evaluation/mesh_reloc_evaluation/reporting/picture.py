"""Pictures drawn with matplotlib, written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


@contextmanager
def picture(path: Path, width: float, height: float) -> Iterator[Figure]:
    """Give a figure to draw in, of a size in inches, and write it as PNG, whole or not at all."""
    temporary = path.with_name(f'{path.name}.part')
    with mpl.rc_context({'font.size': 9, 'axes.spines.top': False, 'axes.spines.right': False}):
        figure = Figure(figsize=(width, height), layout='constrained')
        FigureCanvasAgg(figure)
        yield figure
        try:
            figure.savefig(temporary, dpi=110, format='png')
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
