"""`mesh_reloc view`: what a mesh looks like, from a pose and beside an image."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

from mesh_reloc_ros.cli.arguments import add_recording, add_settings, settings_of_arguments
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.config.relocalization import UP_AXES
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.progress import show_progress
from mesh_reloc_ros.recordings.tum import read_tum
from mesh_reloc_tools.page.page import check_page
from mesh_reloc_tools.pictures import check_picture, write_picture
from mesh_reloc_tools.view.source import camera_of, image_of, pose_of
from mesh_reloc_tools.viewpoints import upright

SUMMARY = 'make a picture or a page of a mesh, from a pose, beside an image, or as a whole'
_OVERRIDES = ('device', 'rasterizer')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mesh_reloc view`."""
    parser.epilog = (
        'With a pose: what a camera there sees. With an image: image, render, blend and difference'
        ' side by side, at the given pose and aligned from it; without a pose, the image is'
        ' searched for. With neither: the mesh as a whole, and views from inside.'
    )
    parser.add_argument('mesh', type=Path, metavar='MESH', help='textured mesh (OBJ, PLY, GLB)')
    parser.add_argument('-o', '--output', type=Path, metavar='OUT.png', help='the picture')
    parser.add_argument(
        '--html',
        type=Path,
        metavar='OUT.html',
        help='a page that turns the mesh in a browser, with the cameras in it',
    )
    pose = parser.add_mutually_exclusive_group()
    pose.add_argument(
        '--pose',
        nargs='+',
        metavar='N',
        help='x y z qx qy qz qw: optical frame of the camera in the map, metres',
    )
    pose.add_argument(
        '--trajectory',
        type=Path,
        metavar='POSES.tum',
        help='poses, of which the one at the stamp of the image counts',
    )
    source = add_recording(parser, required=False)
    source.add_argument('--image', type=Path, dest='images', metavar='FILE', help='a single image')
    parser.add_argument(
        '--at',
        type=float,
        metavar='S|N',
        help='which image: seconds from the beginning of a bag, video or trajectory; the number of'
        ' the image for --images (default: the first)',
    )
    parser.add_argument(
        '--up',
        choices=UP_AXES[:-1],
        help='axis of the mesh that points up, as --up=-y (default: as --params)',
    )
    add_settings(parser, _OVERRIDES)


def run(arguments: argparse.Namespace) -> int:
    """Make the picture.

    :raises InputError: mesh, image, pose or output is unusable.
    """
    _check(arguments)
    settings = _settings(arguments)
    frame = image_of(arguments)
    pose = pose_of(arguments, frame)
    camera = camera_of(arguments, frame)
    # Imported here: unusable arguments are reported before the renderer loads.
    from mesh_reloc_ros.process import use_one_core_per_operation
    from mesh_reloc_ros.render.scene import Scene
    from mesh_reloc_tools.view import picture

    use_one_core_per_operation()
    progress = show_progress(sys.stdout)
    scene = Scene.load(
        arguments.mesh,
        settings.device,
        settings.rasterizer,
        progress,
        use_cache=settings.mesh_cache,
    )
    for notice in scene.mesh.notices:
        print(f'mesh {arguments.mesh.name}: {notice}')
    if frame is not None:
        made = picture.with_image(scene, frame, pose, settings, arguments.mesh, progress)
    elif pose is not None:
        made = picture.from_pose(scene, pose, camera, settings.relocalization.up_axis)
    else:
        made = picture.as_a_whole(scene, camera, settings.relocalization.up_axis)
    print('\n'.join(made.lines))
    if arguments.output is not None:
        write_picture(arguments.output, made.image)
        print(f'picture: {arguments.output}')
    if arguments.html is not None:
        from mesh_reloc_tools.view.page import write_mesh_page

        up_axis = upright(settings.relocalization.up_axis)
        way = None if arguments.trajectory is None else read_tum(arguments.trajectory)
        write_mesh_page(arguments.html, scene, arguments.mesh, up_axis, camera, made.poses, way)
        print(f'page: {arguments.html}')
    return 0


def _check(arguments: argparse.Namespace) -> None:
    if arguments.output is None and arguments.html is None:
        raise InputError('give -o for a picture, --html for a page, or both')
    if arguments.output is not None:
        check_picture(arguments.output, '--output')
    if arguments.html is not None:
        check_page(arguments.html)


def _settings(arguments: argparse.Namespace) -> Settings:
    settings = settings_of_arguments(arguments, _OVERRIDES)
    if arguments.up is None:
        return settings
    relocalization = dataclasses.replace(settings.relocalization, up_axis=arguments.up)
    return dataclasses.replace(settings, relocalization=relocalization)
