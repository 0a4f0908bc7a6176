"""Mesh files with random damage are loaded, or refused in one line; nothing else happens."""

import resource
from pathlib import Path

import numpy as np
import pytest
from support.mutations import PER_KIND, mutated, seeds, write

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io.load import load_mesh
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh


def loaded(path: Path) -> tuple[TexturedMesh | None, str]:
    """Return the mesh, or why it was refused."""
    try:
        return load_mesh(path), ''
    except InputError as error:
        return None, str(error)


@pytest.mark.parametrize('kind', seeds())
def test_damaged_files_are_loaded_or_refused(tmp_path, kind):
    files = seeds()[kind]
    load_mesh(write(tmp_path, files))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused = 0
    for seed in range(PER_KIND):
        path = write(tmp_path, mutated(files, np.random.default_rng(seed)))
        mesh, complaint = loaded(path)
        assert '\n' not in complaint, seed
        if mesh is None:
            refused += 1
        else:
            assert np.isfinite(mesh.vertices).all(), seed
            assert np.isfinite(mesh.uvs).all(), seed
            assert mesh.faces.min() >= 0
            assert mesh.faces.max() < len(mesh.vertices), seed
            assert mesh.face_materials.max() < len(mesh.textures), seed
    assert refused
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_000_000
