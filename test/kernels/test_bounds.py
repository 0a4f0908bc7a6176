"""Compiled code reads nothing beside the image: Python, which checks each index, runs it here."""

import os
import subprocess
import sys

SCRIPT = """
import numpy as np
from mesh_reloc_ros.kernels.layout import COLUMNS, SEEN, SUMS, UNKNOWNS
from mesh_reloc_ros.kernels.normal_equations import accumulate
from mesh_reloc_ros.kernels.photometric import LiveImage, Template

WIDTH, HEIGHT, FOCAL = 64, 48, 50.0
point = Template(
    np.array([[0, 0, 1]], np.float32),
    np.full((1, 3), 0.5, np.float32),
    np.zeros((1, 3, 2), np.float32),
    np.ones(1, np.float32),
    64,
)
live = LiveImage(
    np.full((HEIGHT, WIDTH, 3), 127, np.uint8),
    np.ones((HEIGHT, WIDTH), np.uint8),
    FOCAL, FOCAL, 0.0, 0.0,
)
for gap in (1e-3, 1e-7, 1e-12, 0.0):
    for edges in ((1, 0), (0, 1), (1, 1)):
        pose = np.eye(4)
        # The last pixel that has neighbours, and just before it.
        pose[0, 3] = (WIDTH - 1 - gap if edges[0] else 10) / FOCAL
        pose[1, 3] = (HEIGHT - 1 - gap if edges[1] else 10) / FOCAL
        system, sums = np.zeros((UNKNOWNS, COLUMNS)), np.zeros(SUMS)
        exposure = np.array([1.0, 1, 1, 0, 0, 0])
        accumulate(point, live, pose, exposure, 0.1, system, sums)
        assert np.isfinite(system).all()
        assert sums[SEEN] == (gap == 1e-3), (gap, edges, sums[SEEN])
"""


def test_a_point_that_rounds_to_the_border_of_the_image_is_outside():
    """A pixel of double precision below the border is on it in single precision."""
    environment = os.environ | {'NUMBA_DISABLE_JIT': '1'}
    done = subprocess.run(
        [sys.executable, '-c', SCRIPT], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
