"""Meshes as other programs wrote them, beside the checkout: each does what its table says."""

from pathlib import Path

import numpy as np
import pytest

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io.load import load_mesh

CASES = Path(__file__).parents[3] / 'shared' / 'cases' / 'mesh'
REFUSED = {
    'comma_decimals': 'decimal commas',
    'map_kd_empty': 'nothing to align with',
    'obj_all_plain_no_map': 'nothing to align with',
}
WITH_UNTEXTURED = ('few_faces_without_uv', 'few_faces_usemtl_undefined')


def names() -> list[str]:
    folders = [path for path in CASES.iterdir() if path.is_dir()] if CASES.is_dir() else []
    return sorted(folder.name for folder in folders)


@pytest.mark.skipif(not CASES.is_dir(), reason='no cases beside the checkout')
@pytest.mark.parametrize('name', names())
def test_a_mesh_of_another_program(name):
    path = CASES / name / 'mesh.obj'
    if name in REFUSED:
        with pytest.raises(InputError, match=REFUSED[name]):
            load_mesh(path)
        return
    mesh = load_mesh(path)
    assert np.ptp(mesh.vertices[:, 0]) == pytest.approx(1.0013, abs=1e-6)
    assert mesh.textures[0].mean() == pytest.approx(124.5, abs=0.5)
    assert mesh.is_plain.sum() == (name in WITH_UNTEXTURED)
    assert any('1 of 3 faces' in said for said in mesh.notices) == (name in WITH_UNTEXTURED)
