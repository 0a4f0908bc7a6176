"""The sample as a folder: made once, and used again while what makes it stays the same."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_evaluation.painted_room.film import FilmSettings, Shot, shoot
from mesh_reloc_evaluation.painted_room.mesh_files import MESH_NAME, write_mesh
from mesh_reloc_evaluation.painted_room.recording import write_recording
from mesh_reloc_evaluation.painted_room.room.room import room
from mesh_reloc_ros.recordings.tum import write_tum
from mesh_reloc_ros.types.trajectory import Trajectory

_ABOUT = 'sample.json'


@dataclass(frozen=True)
class Sample:
    """Where the parts of a sample lie."""

    folder: Path

    @property
    def mesh(self) -> Path:
        """The mesh, beside its materials and textures."""
        return self.folder / 'mesh' / MESH_NAME

    @property
    def bag(self) -> Path:
        """Folder of the recording."""
        return self.folder / 'bag'

    @property
    def truth(self) -> Path:
        """The true trajectory, in TUM's format."""
        return self.folder / 'groundtruth.tum'

    def covered(self) -> NDArray[np.float64]:
        """Return how much of each image the passer-by covers [N], of 0 to 1."""
        return np.array(json.loads((self.folder / _ABOUT).read_text())['covered'])


def make_sample(folder: Path, settings: FilmSettings) -> Sample:
    """Return the sample in `folder`; make it where there is none of this version."""
    version = _version(settings)
    if _version_of(folder) == version:
        return Sample(folder)
    partial = folder.with_name(f'{folder.name}.part')
    shutil.rmtree(partial, ignore_errors=True)
    sample = Sample(partial)
    sample.mesh.parent.mkdir(parents=True)
    write_mesh(sample.mesh.parent, room())
    shots: list[Shot] = []

    def kept(shot: Shot) -> Shot:
        shots.append(dataclasses.replace(shot, jpeg=b''))
        return shot

    write_recording(sample.bag, map(kept, shoot(sample.mesh, settings)), settings.camera)
    stamps = np.array([shot.stamp_ns for shot in shots], dtype=np.int64)
    poses = np.array([shot.map_T_camera for shot in shots])
    write_tum(sample.truth, Trajectory(stamps, poses))
    about = {'version': version, 'covered': [round(shot.covered, 4) for shot in shots]}
    (partial / _ABOUT).write_text(json.dumps(about))
    shutil.rmtree(folder, ignore_errors=True)
    partial.replace(folder)
    return Sample(folder)


def _version(settings: FilmSettings) -> str:
    """Return a digest of all that the sample depends on: the settings, and this package's code."""
    digest = hashlib.sha256(repr(settings).encode())
    for source in sorted(Path(__file__).parent.rglob('*.py')):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _version_of(folder: Path) -> str:
    try:
        return str(json.loads((folder / _ABOUT).read_text())['version'])
    except (OSError, ValueError, KeyError):
        return ''
