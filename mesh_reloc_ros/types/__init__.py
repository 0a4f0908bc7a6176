"""Poses, rigid motions, the pinhole camera, frames: numbers only, no meshes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
"""Numbers in double precision, such as poses [4, 4]."""
