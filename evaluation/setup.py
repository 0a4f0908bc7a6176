"""The evaluation package of mesh_reloc_ros; colcon neither sees nor installs it."""

from setuptools import find_packages, setup

PACKAGE = 'mesh_reloc_evaluation'
COMMANDS = ('demo', 'bench', 'stress', 'study')

setup(
    name=PACKAGE,
    version='0.1.0',
    description='Benchmarks, stress tests, studies and the demo of mesh_reloc_ros.',
    license='Apache-2.0',
    packages=find_packages(include=[PACKAGE, f'{PACKAGE}.*']),
    python_requires='>=3.10',
    install_requires=['mesh_reloc_ros'],
    entry_points={
        'mesh_reloc.commands': [f'{name} = {PACKAGE}.{name}.command' for name in COMMANDS],
    },
)
