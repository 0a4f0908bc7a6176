"""The scenes that are measured: each a mesh and a recording with true poses."""

from __future__ import annotations

import argparse
import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mesh_reloc_evaluation.mesh_surgery import moved
from mesh_reloc_evaluation.posed_sequence import PosedSequence, read_posed_sequence
from mesh_reloc_ros.cli.arguments import recording_name
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io.load import load_mesh
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.types import Array


@dataclass(frozen=True)
class Place:
    """A mesh, and images taken there with their true poses."""

    name: str
    mesh: TexturedMesh
    sequence: PosedSequence

    def moved(self, offset: Array) -> Place:
        """Return the mesh and the true poses moved by an offset [3], in metres."""
        poses = self.sequence.poses.copy()
        poses[:, :3, 3] += offset
        sequence = dataclasses.replace(self.sequence, poses=poses)
        return dataclasses.replace(self, mesh=moved(self.mesh, offset), sequence=sequence)

    @property
    def middle(self) -> Array:
        """The middle [3] of the mesh, metres."""
        vertices = self.mesh.vertices.astype(np.float64)
        return (vertices.min(0) + vertices.max(0)) / 2


def read_places(arguments: argparse.Namespace) -> list[Place]:
    """Read the scene of --mesh and --bag, if given, and those of --scene.

    :raises InputError: there is no scene, a name is not unique, or files are missing or unusable.
    """
    given = []
    if arguments.mesh and recording_name(arguments):
        given.append(('recording', arguments))
    for text in arguments.scene or []:
        name, separator, folder = text.partition('=')
        if not (name and separator and folder):
            raise InputError(f'--scene {text!r}: give NAME=FOLDER')
        given.append((name, _in_folder(arguments, Path(folder))))
    if not given:
        raise InputError('--from-nothing: give --scene NAME=FOLDER, or --mesh and --bag')
    names = [name for name, _ in given]
    if len(set(names)) < len(names):
        raise InputError(f'--scene: the names {", ".join(names)} are not all different')
    return [_read(name, where) for name, where in given]


def _read(name: str, arguments: argparse.Namespace) -> Place:
    print(f'reading {name}', flush=True)
    sequence = read_posed_sequence(arguments)
    mesh = load_mesh(arguments.mesh)
    return Place(name, mesh.about_zero(), sequence.about(mesh.origin))


def _in_folder(arguments: argparse.Namespace, folder: Path) -> argparse.Namespace:
    """Return the arguments with the files of a folder."""
    mesh = _only(folder, 'mesh', [*folder.glob('*.obj'), *folder.glob('mesh/*.obj')])
    bag = _only(folder, 'recording', [file.parent for file in folder.glob('*/metadata.yaml')])
    truth = sorted(folder.glob('*.tum'))
    found = {'mesh': mesh, 'bag': bag, 'video': None, 'images': None, 'ground_truth': None}
    if truth:
        found['ground_truth'] = _only(folder, 'TUM file', truth)
    return argparse.Namespace(**{**vars(arguments), **found})


def _only(folder: Path, what: str, found: list[Path]) -> Path:
    if len(found) != 1:
        raise InputError(f'scene {folder}: expected one {what}, found {len(found)}')
    return found[0]
