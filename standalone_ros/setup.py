"""Installs the Python stand-ins `tf2_ros` and `cv_bridge`."""

from setuptools import setup

setup(
    name='mesh_reloc_standalone_ros',
    version='0.1.0',
    description='tf2_ros and cv_bridge for machines without a ROS installation',
    package_dir={'': 'python'},
    packages=['cv_bridge', 'tf2_ros'],
    license='Apache-2.0',
)
