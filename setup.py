"""The ament_python package mesh_reloc_ros."""

from pathlib import Path

from setuptools import find_packages, setup

PACKAGE = 'mesh_reloc_ros'


def files_in(folder: str) -> list[str]:
    """Return the files right below a folder."""
    return sorted(str(path) for path in Path(folder).iterdir() if path.is_file())


setup(
    name=PACKAGE,
    version='0.1.0',
    description='Real-time 6-DoF camera localization in a textured mesh, for ROS 2.',
    license='Apache-2.0',
    maintainer='mesh_reloc_ros maintainers',
    maintainer_email='maintainers@mesh-reloc-ros.example',
    packages=find_packages(include=[PACKAGE, f'{PACKAGE}.*']),
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{PACKAGE}']),
        (f'share/{PACKAGE}', ['package.xml']),
        (f'share/{PACKAGE}/launch', files_in('launch')),
        (f'share/{PACKAGE}/config', files_in('config')),
    ],
    python_requires='>=3.10',
    extras_require={'test': ['pytest']},
    zip_safe=True,
    entry_points={
        'console_scripts': [
            'mesh_reloc = mesh_reloc_ros.cli.main:main',
            'mesh_reloc_node = mesh_reloc_ros.ros.main:main',
        ],
    },
)
