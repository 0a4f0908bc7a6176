"""Small videos and image files."""

import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.types.camera import Camera

CAMERA_YAML = """
image_width: {0.width}
image_height: {0.height}
camera_name: camera
camera_matrix: {{rows: 3, cols: 3, data: [{0.fx}, 0, {0.cx}, 0, {0.fy}, {0.cy}, 0, 0, 1]}}
distortion_model: plumb_bob
distortion_coefficients: {{rows: 1, cols: 5, data: {1}}}
rectification_matrix: {{rows: 3, cols: 3, data: [1, 0, 0, 0, 1, 0, 0, 0, 1]}}
projection_matrix:
  rows: 3
  cols: 4
  data: [{0.fx}, 0, {0.cx}, 0, 0, {0.fy}, {0.cy}, 0, 0, 0, 1, 0]
"""


def write_camera(
    path: Path, camera: Camera, distortion: Sequence[float] = (0.0, 0.0, 0.0, 0.0, 0.0)
) -> Path:
    """Write the YAML of camera_calibration."""
    path.write_text(CAMERA_YAML.format(camera, list(distortion)))
    return path


def write_video(
    path: Path,
    images: Iterable[NDArray[np.uint8]],
    rate: float = 25.0,
    *,
    turned: int = 0,
    output: Sequence[str] = (),
) -> Path:
    """Write RGB images [H, W, 3] of even size.

    :param turned: degrees, counterclockwise, that a player turns them by.
    :param output: further options of ffmpeg.
    """
    images = list(images)
    height, width = images[0].shape[:2]
    file = path.with_name(f'upright_{path.name}') if turned else path
    encoder = imageio_ffmpeg.write_frames(
        file,
        (width, height),
        fps=rate,
        codec='libx264',
        quality=None,
        macro_block_size=1,
        output_params=['-crf', '10', *output],
    )
    encoder.send(None)
    for image in images:
        encoder.send(np.ascontiguousarray(image))
    encoder.close()
    if turned:
        run_ffmpeg('-display_rotation', str(turned), '-i', str(file), '-c', 'copy', str(path))
    return path


def run_ffmpeg(*arguments: str) -> None:
    program = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run([program, '-y', '-loglevel', 'error', *arguments], check=True)
