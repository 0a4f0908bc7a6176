"""How many processor cores the numerical libraries may take."""

from __future__ import annotations

import cv2
import torch


def use_one_core_per_operation() -> None:
    """Keep torch and OpenCV from spreading single operations over all cores.

    The operations here are small: spread out, they wait for each other, and busily, so that on a
    machine with other work to do everything becomes slower.
    """
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
