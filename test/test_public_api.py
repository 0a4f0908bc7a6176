"""The names that mesh_reloc_ros exports."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import mesh_reloc_ros

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize('name', mesh_reloc_ros.__all__)
def test_every_exported_name_exists_and_is_documented(name):
    exported = getattr(mesh_reloc_ros, name)
    assert exported.__name__ == name
    assert exported.__doc__
    assert name in dir(mesh_reloc_ros)


def test_the_documentation_lists_the_exported_names():
    page = (ROOT / 'docs' / 'python_api.md').read_text()
    assert set(re.findall(r'^\| `(\w+)', page, re.MULTILINE)) == set(mesh_reloc_ros.__all__)


def test_importing_the_package_imports_no_heavy_library():
    heavy = ('torch', 'numba', 'cv2', 'scipy', 'numpy')
    program = f'import sys, mesh_reloc_ros; print([m for m in {heavy} if m in sys.modules])'
    done = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True)
    assert done.stdout.strip() == '[]', done.stderr


def test_a_name_that_is_not_exported_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'mesh_reloc_ros' has no attribute 'Tracker'"):
        mesh_reloc_ros.Tracker  # noqa: B018
