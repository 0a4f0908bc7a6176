"""Finds out what a file or folder is, and inspects it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mesh_reloc_ros.progress import Progress, silent
from mesh_reloc_ros.recordings.bag_files import BAG_SUFFIXES, is_bag_folder
from mesh_reloc_ros.recordings.images import IMAGE_SUFFIXES
from mesh_reloc_tools.info.bag import inspect_bag
from mesh_reloc_tools.info.camera import inspect_camera
from mesh_reloc_tools.info.findings import Company, Findings
from mesh_reloc_tools.info.footage import inspect_images, inspect_video
from mesh_reloc_tools.info.mesh import inspect_mesh

_METADATA = 'metadata.yaml'
_CAMERA = ('.yaml', '.yml', '.txt', '.bin')
_MESH = ('.obj', '.ply', '.glb', '.gltf', '.stl', '.off', '.dae', '.3mf')
_VIDEO = ('.mp4', '.mov', '.m4v', '.avi', '.mkv', '.webm', '.mpg', '.mpeg', '.wmv', '.mts', '.ts')


def inspect(paths: Sequence[Path], progress: Progress = silent) -> list[Findings]:
    """Inspect meshes, bags, videos, images and calibrations; nothing is raised.

    Images are compared with the calibrations among them.
    """
    company = Company(
        meshes=[path for path in paths if _kind(path) == 'mesh'],
        cameras=[path for path in paths if _kind(path) == 'camera'],
    )
    return [_inspected(path, company, progress) for path in paths]


def _inspected(path: Path, company: Company, progress: Progress) -> Findings:
    match _kind(path):
        case 'mesh':
            return inspect_mesh(path, progress)
        case 'bag':
            folder = path.parent if path.name == _METADATA else path
            return inspect_bag(folder, company, progress)
        case 'video':
            return inspect_video(path, company, progress)
        case 'images':
            return inspect_images(path, company, progress)
        case 'camera':
            return inspect_camera(path)
    found = Findings(str(path), 'file')
    if not path.exists():
        found.problem('unreadable', f'{path}: no such file or folder')
    else:
        found.problem(
            'unreadable',
            f'{path} is no mesh, bag, video, image or calibration, judging by its name',
        )
    return found


def _kind(path: Path) -> str:
    """Return what a path names; '' if that is unknown."""
    suffix = path.suffix.lower()
    if path.is_dir():
        return 'bag' if is_bag_folder(path) else 'images'
    if any(sign in path.name for sign in '*?[') or suffix in IMAGE_SUFFIXES:
        return 'images'
    if suffix in BAG_SUFFIXES or path.name == _METADATA:
        return 'bag'
    if suffix in _VIDEO:
        return 'video'
    if suffix in _CAMERA:
        return 'camera'
    return 'mesh' if suffix in _MESH else ''
