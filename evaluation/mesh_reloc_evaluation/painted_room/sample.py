"""The sample as a folder: made once, and reused until its code or settings change."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_evaluation.bag_writer import Recorded, posed_image, write_bag
from mesh_reloc_evaluation.painted_room.film import FilmImage, FilmSettings, shoot
from mesh_reloc_evaluation.painted_room.mesh_files import MESH_NAME, write_mesh
from mesh_reloc_evaluation.painted_room.room.room import room
from mesh_reloc_ros.recordings.tum import write_tum
from mesh_reloc_ros.types.trajectory import Trajectory

_ABOUT = 'sample.json'


@dataclass(frozen=True)
class SampleFiles:
    """The paths of a sample."""

    folder: Path

    @property
    def mesh(self) -> Path:
        """The mesh; its materials and textures are in the same folder."""
        return self.folder / 'mesh' / MESH_NAME

    @property
    def bag(self) -> Path:
        """Folder of the recording."""
        return self.folder / 'bag'

    @property
    def truth(self) -> Path:
        """The true trajectory, in TUM format."""
        return self.folder / 'groundtruth.tum'

    def covered(self) -> NDArray[np.float64]:
        """Return the share of each image that the passer-by covers [N], 0 to 1."""
        return np.array(json.loads((self.folder / _ABOUT).read_text())['covered'])


def make_sample(folder: Path, settings: FilmSettings) -> SampleFiles:
    """Return the sample in `folder`; make it unless it is there and up to date.

    :raises OSError: it cannot be written.
    """
    version = _version(settings)
    if _version_in(folder) == version:
        return SampleFiles(folder)
    with _replaced_when_complete(folder) as partial:
        sample = SampleFiles(partial)
        sample.mesh.parent.mkdir()
        write_mesh(sample.mesh.parent, room(), settings.texture_scale)
        images: list[FilmImage] = []
        write_bag(sample.bag, _recorded(sample.mesh, settings, images))
        stamps = np.array([image.stamp_ns for image in images], dtype=np.int64)
        poses = np.array([image.map_T_camera for image in images])
        write_tum(sample.truth, Trajectory(stamps, poses))
        about = {'version': version, 'covered': [round(image.covered, 4) for image in images]}
        (partial / _ABOUT).write_text(json.dumps(about))
    return SampleFiles(folder)


def make_room(folder: Path) -> Path:
    """Return the mesh of the room in `folder`; make it unless it is there.

    :raises OSError: it cannot be written.
    """
    if not (folder / MESH_NAME).is_file():
        with _replaced_when_complete(folder) as partial:
            write_mesh(partial, room())
    return folder / MESH_NAME


def _recorded(mesh: Path, settings: FilmSettings, images: list[FilmImage]) -> Iterator[Recorded]:
    """Yield the messages of the film, and append its images, without JPEG, to a list."""
    for image in shoot(mesh, settings):
        images.append(dataclasses.replace(image, jpeg=b''))
        yield from posed_image(image.jpeg, settings.camera, image.map_T_camera, image.stamp_ns)


@contextmanager
def _replaced_when_complete(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that replaces `folder` when the body ends without an error."""
    partial = folder.with_name(f'{folder.name}.part')
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    yield partial
    shutil.rmtree(folder, ignore_errors=True)
    partial.replace(folder)


def _version(settings: FilmSettings) -> str:
    """Return a digest of what the sample depends on: the settings and the code of this package."""
    digest = hashlib.sha256(repr(settings).encode())
    for source in sorted(Path(__file__).parent.rglob('*.py')):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _version_in(folder: Path) -> str:
    try:
        return str(json.loads((folder / _ABOUT).read_text())['version'])
    except (OSError, ValueError, KeyError):
        return ''
