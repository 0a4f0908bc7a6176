"""Contact sheets: labelled thumbnails of the images that the tracker is given."""

from __future__ import annotations

import math
from pathlib import Path

from mesh_reloc_evaluation.out_of_map.patterns import Image
from mesh_reloc_evaluation.reporting.plot_file import plot_file
from mesh_reloc_evaluation.stress.cases import Case
from mesh_reloc_evaluation.stress.stress_image import Phase

_COLUMNS = 8


def example_of(case: Case) -> Image:
    """Return an image from the middle of the fault, or the first one after it."""
    images = case.make()
    faulty = [image for image in images if image.phase is Phase.FAULT]
    if faulty:
        return faulty[len(faulty) // 2].frame.image
    return next((i for i in images if i.phase is Phase.AFTER), images[0]).frame.image


def draw_contact_sheet(path: Path, images: list[tuple[str, Image]]) -> None:
    """Write labelled images [H, W, 3] as rows of thumbnails."""
    rows = math.ceil(len(images) / _COLUMNS)
    with plot_file(path, 1.75 * _COLUMNS, 1.55 * rows) as figure:
        grid = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
        for axes in grid:
            axes.set_axis_off()
        for axes, (label, image) in zip(grid, images, strict=False):
            axes.imshow(image[::2, ::2] if image.shape[1] > 400 else image)
            axes.set_title(label, fontsize=7, pad=2)
