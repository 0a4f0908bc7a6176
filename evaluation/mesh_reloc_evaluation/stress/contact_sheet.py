"""Contact sheets: what the faults and the foreign images look like."""

from __future__ import annotations

import math
from pathlib import Path

from mesh_reloc_evaluation.reporting.picture import picture
from mesh_reloc_evaluation.stress.cases import Case
from mesh_reloc_evaluation.stress.footage import Image, Part

_COLUMNS = 8


def example_of(case: Case) -> Image:
    """Return an image from the middle of a case's fault, or the first one after it."""
    shown = case.make()
    faulty = [item for item in shown if item.part is Part.FAULT]
    if faulty:
        return faulty[len(faulty) // 2].frame.image
    return next((s for s in shown if s.part is Part.AFTER), shown[0]).frame.image


def draw_sheet(path: Path, images: list[tuple[str, Image]]) -> None:
    """Write labelled images [H, W, 3] as rows of thumbnails."""
    rows = math.ceil(len(images) / _COLUMNS)
    with picture(path, 1.75 * _COLUMNS, 1.55 * rows) as figure:
        grid = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
        for axes in grid:
            axes.set_axis_off()
        for axes, (label, image) in zip(grid, images, strict=False):
            axes.imshow(image[::2, ::2] if image.shape[1] > 400 else image)
            axes.set_title(label, fontsize=7, pad=2)
