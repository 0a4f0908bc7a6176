"""The calibration file of ROS: what camera_calibration writes and camera_info_manager reads."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mesh_reloc_ros.types import Array
from mesh_reloc_tools.calibrate.lens import Lens


def camera_yaml(lens: Lens, name: str) -> str:
    """Return the text of a camera.yaml; rectified images keep focal length and centre."""
    camera = lens.camera
    projection = np.hstack((camera.matrix, np.zeros((3, 1))))
    return '\n'.join(
        (
            f'image_width: {camera.width}',
            f'image_height: {camera.height}',
            f'camera_name: {name}',
            *_matrix('camera_matrix', camera.matrix),
            f'distortion_model: {lens.model}',
            *_matrix('distortion_coefficients', np.array([lens.distortion])),
            *_matrix('rectification_matrix', np.eye(3)),
            *_matrix('projection_matrix', projection),
            '',
        )
    )


def _matrix(name: str, values: Array) -> Iterable[str]:
    yield f'{name}:'
    yield f'  rows: {values.shape[0]}'
    yield f'  cols: {values.shape[1]}'
    yield f'  data: [{", ".join(f"{value:.8g}" for value in values.ravel())}]'
