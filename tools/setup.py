"""The tools of mesh_reloc_ros that robots do not need; colcon neither sees nor installs them."""

from setuptools import find_packages, setup

PACKAGE = 'mesh_reloc_tools'
COMMANDS = ('calibrate', 'info', 'prepare', 'view')

setup(
    name=PACKAGE,
    version='0.1.0',
    description='Inspection, pictures and preparation of meshes for mesh_reloc_ros.',
    license='Apache-2.0',
    package_data={f'{PACKAGE}.page': ['assets/*']},
    packages=find_packages(include=[PACKAGE, f'{PACKAGE}.*']),
    python_requires='>=3.10',
    install_requires=['mesh_reloc_ros', 'fast-simplification'],
    entry_points={
        'mesh_reloc.commands': [f'{name} = {PACKAGE}.{name}.command' for name in COMMANDS],
        'mesh_reloc.track_page': [f'html = {PACKAGE}.track_page.recorder'],
    },
)
