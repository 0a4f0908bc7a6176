"""Calibration files: the YAML of ROS camera_calibration, and cameras.txt of COLMAP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mesh_reloc_ros.errors import InputError

_IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Region:
    """A `sensor_msgs/RegionOfInterest`; all zero is the full image."""

    x_offset: int = 0
    y_offset: int = 0
    width: int = 0
    height: int = 0


@dataclass
class FileCameraInfo:
    """What a calibration file says of a camera, with the fields of `sensor_msgs/CameraInfo`."""

    width: int
    height: int
    distortion_model: str
    d: Sequence[float]
    k: Any
    r: Any = _IDENTITY
    p: Any = (0.0,) * 12
    binning_x: int = 0
    binning_y: int = 0
    roi: Any = field(default_factory=Region)


def read_camera_file(path: Path) -> list[FileCameraInfo]:
    """Read the cameras of a calibration file; a YAML file has one.

    :raises InputError: it cannot be read, or is of neither format, or has no camera.
    """
    if path.suffix == '.bin':
        raise InputError(
            f'camera file {path}: write it as text: colmap model_converter --output_type TXT'
        )
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f'camera file {path} cannot be read: {error}') from error
    try:
        cameras = _colmap_cameras(text) if path.suffix == '.txt' else [_ros_camera(text)]
    except (ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        expected = (
            'cameras.txt of COLMAP: CAMERA_ID MODEL WIDTH HEIGHT PARAMS a line'
            if path.suffix == '.txt'
            else 'the YAML of camera_calibration: image_width, image_height, camera_matrix'
        )
        reason = ' '.join(str(error).split())
        raise InputError(
            f'camera file {path}: expected {expected} ({type(error).__name__}: {reason})'
        ) from error
    if not cameras:
        raise InputError(f'camera file {path} has no cameras')
    return cameras


def _ros_camera(text: str) -> FileCameraInfo:
    content = yaml.safe_load(text)

    def numbers(name: str, count: int | None = None) -> tuple[float, ...]:
        values = tuple(float(value) for value in content[name]['data'])
        if count is not None and len(values) != count:
            raise ValueError(f'{name} has {len(values)} numbers instead of {count}')
        return values

    has_p, has_r = ('projection_matrix' in content, 'rectification_matrix' in content)
    has_d = 'distortion_coefficients' in content
    return FileCameraInfo(
        width=int(content['image_width']),
        height=int(content['image_height']),
        distortion_model=str(content.get('distortion_model', 'plumb_bob')),
        d=numbers('distortion_coefficients') if has_d else (),
        k=numbers('camera_matrix', 9),
        r=numbers('rectification_matrix', 9) if has_r else _IDENTITY,
        p=numbers('projection_matrix', 12) if has_p else (0.0,) * 12,
    )


def _colmap_cameras(text: str) -> list[FileCameraInfo]:
    cameras = []
    for line in text.splitlines():
        words = line.split('#', 1)[0].split()
        if words:
            _, model, width, height, *numbers = words
            cameras.append(
                _colmap_camera(model, int(width), int(height), [float(n) for n in numbers])
            )
    return cameras


# Models of COLMAP: names of their numbers in order, and the model of ROS with its coefficients.
_PINHOLE, _FISHEYE = 'plumb_bob', 'equidistant'
_MODELS: dict[str, tuple[str, str, Callable[[dict[str, float]], list[float]]]] = {
    'SIMPLE_PINHOLE': ('f cx cy', _PINHOLE, lambda _: []),
    'PINHOLE': ('fx fy cx cy', _PINHOLE, lambda _: []),
    'SIMPLE_RADIAL': ('f cx cy k1', _PINHOLE, lambda n: [n['k1'], 0, 0, 0, 0]),
    'RADIAL': ('f cx cy k1 k2', _PINHOLE, lambda n: [n['k1'], n['k2'], 0, 0, 0]),
    'OPENCV': (
        'fx fy cx cy k1 k2 p1 p2',
        _PINHOLE,
        lambda n: [n['k1'], n['k2'], n['p1'], n['p2'], 0],
    ),
    'FULL_OPENCV': (
        'fx fy cx cy k1 k2 p1 p2 k3 k4 k5 k6',
        'rational_polynomial',
        lambda n: [n[name] for name in ['k1', 'k2', 'p1', 'p2', 'k3', 'k4', 'k5', 'k6']],
    ),
    'SIMPLE_RADIAL_FISHEYE': ('f cx cy k1', _FISHEYE, lambda n: [n['k1'], 0, 0, 0]),
    'RADIAL_FISHEYE': ('f cx cy k1 k2', _FISHEYE, lambda n: [n['k1'], n['k2'], 0, 0]),
    'OPENCV_FISHEYE': (
        'fx fy cx cy k1 k2 k3 k4',
        _FISHEYE,
        lambda n: [n['k1'], n['k2'], n['k3'], n['k4']],
    ),
}


def _colmap_camera(model: str, width: int, height: int, values: list[float]) -> FileCameraInfo:
    if model not in _MODELS:
        raise ValueError(
            f'model {model} is not known; undistort the images: colmap image_undistorter'
        )
    names, ros_model, coefficients = _MODELS[model]
    numbers = dict(zip(names.split(), values, strict=True))
    fx, fy = (numbers.get(name, numbers.get('f', 0.0)) for name in ('fx', 'fy'))
    # For COLMAP, the centre of the top-left pixel is at (0.5, 0.5).
    cx, cy = numbers['cx'] - 0.5, numbers['cy'] - 0.5
    return FileCameraInfo(
        width=width,
        height=height,
        distortion_model=ros_model,
        d=tuple(coefficients(numbers)),
        k=(fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0),
    )
