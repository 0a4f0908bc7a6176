"""Make `bundle.tar.xz`: what `run.py` needs on a machine with a GPU and no network.

    .venv/bin/python evaluation/gpu/pack.py --mesh MESH.obj --bag BAG [--ground-truth TRUTH.tum]

Wheels are those of Python 3.12 on x86_64, in the versions of `requirements/constraints.txt`;
packages that are only Python are copied from this environment. PyTorch3D's library is stripped: of
200 MB, 9 remain.
"""

import argparse
import importlib.util
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONSTRAINTS = HERE.parents[1] / 'requirements' / 'constraints.txt'
WHEELS = ('easypytorch3d', 'embreex', 'faiss-cpu', 'lz4', 'apsw', 'backports-zstd', 'pillow')
PURE = (
    *('filterpy', 'iopath', 'portalocker', 'rosbags', 'ruamel', 'tqdm', 'trimesh', 'yaml'),
    *('typing_extensions', 'networkx', 'packaging'),
)
PLATFORMS = ('manylinux_2_28_x86_64', 'manylinux_2_27_x86_64', 'manylinux2014_x86_64')
LARGEST_MIB = 60
_TEXTURES = ('.mtl', '.jpg', '.jpeg', '.png')


def main() -> int:
    """Make the bundle; return 0 if it is small enough."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--mesh', type=Path, required=True)
    parser.add_argument('--bag', type=Path, required=True, help='folder')
    parser.add_argument('--ground-truth', type=Path)
    parser.add_argument('--output', type=Path, default=HERE / 'bundle.tar.xz')
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix='mesh_reloc_pack_') as name:
        folder = Path(name)
        _copy_data(arguments, folder / 'data')
        _add_wheels(folder / 'wheels', folder / 'packages')
        _add_pure(folder / 'packages')
        with tarfile.open(arguments.output, 'w:xz', preset=6) as bundle:
            for part in ('data', 'packages'):
                bundle.add(folder / part, part)
    size = arguments.output.stat().st_size / 2**20
    print(f'{arguments.output}: {size:.1f} MiB')
    return 0 if size <= LARGEST_MIB else 1


def _copy_data(arguments: argparse.Namespace, data: Path) -> None:
    data.mkdir()
    mesh = arguments.mesh
    shutil.copy(mesh, data / f'mesh{mesh.suffix}')
    for path in mesh.parent.iterdir():
        if path.suffix.lower() in _TEXTURES:
            shutil.copy(path, data / path.name)
    shutil.copytree(arguments.bag, data / 'bag')
    if arguments.ground_truth:
        shutil.copy(arguments.ground_truth, data / 'truth.tum')


def _add_wheels(wheels: Path, packages: Path) -> None:
    """Download wheels, unpack them, and strip the large library."""
    pins = [_pin(name) for name in WHEELS]
    command = [sys.executable, '-m', 'pip', 'download', '-q', '--no-deps', '-d', str(wheels)]
    command += ['--python-version', '3.12', '--implementation', 'cp', '--only-binary=:all:']
    command += [word for abi in ('cp312', 'abi3', 'none') for word in ('--abi', abi)]
    command += [word for platform in PLATFORMS for word in ('--platform', platform)]
    subprocess.run([*command, *pins], check=True)
    for wheel in wheels.iterdir():
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(packages)
    for library in (packages / 'pytorch3d').glob('_C*.so'):
        subprocess.run(['strip', '--strip-unneeded', str(library)], check=True)


def _pin(name: str) -> str:
    """Return the version of a package for Python 3.12."""
    lines = re.findall(rf'^{name}==([^ \n]+)(.*)$', CONSTRAINTS.read_text(), re.M)
    version = next(v for v, marker in lines if "< '3.11'" not in marker)
    return f'{name}=={version}'


def _add_pure(packages: Path) -> None:
    """Copy packages of this environment; what is compiled in them is optional."""
    for name in PURE:
        found = importlib.util.find_spec(name)
        if found is None:
            continue
        folders = list(found.submodule_search_locations or ())
        if folders:
            ignored = shutil.ignore_patterns('*.so', '__pycache__', 'tests', 'test')
            shutil.copytree(folders[0], packages / name, ignore=ignored, dirs_exist_ok=True)
        elif found.origin:
            shutil.copy(found.origin, packages)


if __name__ == '__main__':
    sys.exit(main())
