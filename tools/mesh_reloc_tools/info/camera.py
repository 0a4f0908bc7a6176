"""What is in a calibration, of a file or a camera_info message."""

from __future__ import annotations

import math
from pathlib import Path

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.messages.camera_info import CameraInfo, rectified_camera
from mesh_reloc_ros.messages.rectification import rectification_from_info
from mesh_reloc_ros.recordings.camera_file import read_camera_file
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_tools.info.findings import Findings


def inspect_camera(path: Path) -> Findings:
    """Return what a calibration file says."""
    found = Findings(str(path), 'camera')
    try:
        infos = read_camera_file(path)
    except InputError as error:
        found.problem('unreadable', error)
        return found
    for number, info in enumerate(infos, start=1):
        add_camera(found, 'camera' if len(infos) == 1 else f'camera {number}', info)
    found.numbers['sizes'] = [(info.width, info.height) for info in infos]
    return found


def add_camera(found: Findings, name: str, info: CameraInfo) -> None:
    """Add lines on a calibration."""
    try:
        camera = rectified_camera(info)
        rectification = rectification_from_info(info)
    except InputError as error:
        found.problem(name, error)
        return
    found.fact(name, described(camera))
    if rectification is None:
        found.fact('distortion', 'none')
    else:
        numbers = ', '.join(f'{value:.4g}' for value in rectification.distortion)
        found.fact(
            'distortion',
            f'{rectification.model} ({numbers}): give --rectify for raw images, --rectified for'
            ' rectified ones',
        )
    if any(info.p) and info.p[3]:
        metres = abs(info.p[3] / info.p[0])
        found.fact('stereo', f'right camera of a pair, {metres:.3g} m apart')


def described(camera: Camera) -> str:
    """Say size, field of view and focal length of a camera."""
    across, down = (
        math.degrees(2 * math.atan(pixels / 2 / focal))
        for pixels, focal in ((camera.width, camera.fx), (camera.height, camera.fy))
    )
    return (
        f'{camera.width}x{camera.height}, {across:.0f} x {down:.0f} degrees, focal length'
        f' {camera.fx:.1f}, {camera.fy:.1f}, centre {camera.cx:.1f}, {camera.cy:.1f}'
    )
