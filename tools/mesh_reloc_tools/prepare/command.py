"""`mesh_reloc prepare`: a mesh made smaller, cut, and put into metres with z up."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from mesh_reloc_ros.config.relocalization import UP_AXES
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.progress import show_progress
from mesh_reloc_tools.pictures import check_picture, write_picture
from mesh_reloc_tools.prepare.alignment import aligned
from mesh_reloc_tools.prepare.placement import Placement, placed, scale_of, turned_up

SUMMARY = 'make a mesh smaller, cut it, and put it into metres with z up'
_PAINTED = 4096


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mesh_reloc prepare`."""
    parser.epilog = 'Nothing is written unless all can be done. The input is not changed.'
    parser.add_argument('mesh', type=Path, metavar='IN', help='textured mesh (OBJ, PLY, GLB)')
    parser.add_argument('output', type=Path, metavar='OUT', help='OUT.obj or OUT.glb')
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        '--scale', type=float, metavar='S', help='factor on coordinates; 0.001 for millimetres'
    )
    size.add_argument(
        '--distance',
        type=float,
        nargs=7,
        action='append',
        metavar=('X', 'Y', 'Z', 'X2', 'Y2', 'Z2', 'METRES'),
        help='known distance of two points of IN; several give the scale that fits best',
    )
    size.add_argument(
        '--align',
        type=Path,
        nargs='+',
        metavar='FILE',
        help='scale, turn and move by what is known in metres: one file with control points, lines'
        ' "x y z X Y Z"; or two, cameras in IN (COLMAP or TUM) and the same in the real world (TUM,'
        ' or lines "image.jpg x y z")',
    )
    parser.add_argument(
        '--up',
        choices=UP_AXES[:-1],
        help='axis of IN that points up, as --up=-y: it becomes z (default: z)',
    )
    parser.add_argument(
        '--origin',
        type=float,
        nargs=3,
        metavar=('X', 'Y', 'Z'),
        help='point of IN that becomes zero (default: zero stays)',
    )
    parser.add_argument(
        '--box',
        type=float,
        nargs=6,
        metavar=('X', 'Y', 'Z', 'X2', 'Y2', 'Z2'),
        help='keep the faces in this box, in coordinates of OUT',
    )
    parser.add_argument(
        '--min-part',
        type=float,
        default=0.0,
        metavar='PERCENT',
        help='drop floating parts with less of the surface, as 0.01 (default: keep all)',
    )
    parser.add_argument(
        '--faces',
        type=int,
        metavar='COUNT',
        help='simplify the shape to so many faces, and paint one new texture',
    )
    parser.add_argument(
        '--texture-size',
        type=int,
        metavar='PIXELS',
        help='largest width and height of a texture (default: as in IN; with --faces: 4096)',
    )
    parser.add_argument(
        '--unlit',
        action='store_true',
        help='have RViz show the textures of OUT.obj as they are, not lit from the viewer',
    )
    parser.add_argument(
        '--report', type=Path, metavar='OUT.png', help='picture of the mesh before and after'
    )


def run(arguments: argparse.Namespace) -> int:
    """Prepare the mesh, and say what was done to it.

    :raises InputError: the mesh, an argument or an output is unusable.
    """
    # Imported here: the libraries that read meshes take a second, which --help does not need.
    from mesh_reloc_ros.mesh_io.load import load_mesh
    from mesh_reloc_tools.prepare.writing import check_mesh_name, write_mesh

    check_mesh_name(arguments.output, arguments.unlit)
    _check(arguments)
    if arguments.report is not None:
        check_picture(arguments.report, '--report')
    placement = _placement(arguments)
    mesh = load_mesh(arguments.mesh, show_progress(sys.stdout))
    for notice in mesh.notices:
        print(f'mesh {arguments.mesh.name}: {notice}')
    before = placed(mesh, placement)
    after = _reduced(before, arguments)
    _compare(before, after, arguments.report)
    write_mesh(arguments.output, after, arguments.unlit)
    print(f'mesh: {arguments.output}')
    return 0


def _check(arguments: argparse.Namespace) -> None:
    if arguments.output.absolute() == arguments.mesh.absolute():
        raise InputError('the output is the input: give another name')
    if arguments.scale is not None and not 0 < arguments.scale < np.inf:
        raise InputError(f'--scale {arguments.scale:g}: give a number above zero')
    if arguments.align is not None and (arguments.up or arguments.origin):
        raise InputError('--align says what is up and where zero is: leave out --up and --origin')
    if not 0 <= arguments.min_part < 100:
        raise InputError(f'--min-part {arguments.min_part:g}: give 0 to 100 percent')
    if arguments.faces is not None and arguments.faces < 4:
        raise InputError(f'--faces {arguments.faces}: give 4 or more')
    if arguments.texture_size is not None and arguments.texture_size < 16:
        raise InputError(f'--texture-size {arguments.texture_size}: give 16 or more')


def _placement(arguments: argparse.Namespace) -> Placement:
    """Return where the mesh is to be, and say how well that fits."""
    if arguments.align is None:
        origin = None if arguments.origin is None else np.array(arguments.origin)
        return turned_up(_scale(arguments), arguments.up or 'z', origin)
    placement, lines = aligned(arguments.align)
    print('\n'.join(lines))
    return placement


def _scale(arguments: argparse.Namespace) -> float:
    if arguments.distance is None:
        return 1.0 if arguments.scale is None else float(arguments.scale)
    scale, misfits = scale_of(arguments.distance)
    listed = ', '.join(f'{100 * misfit:+.2g}' for misfit in misfits)
    print(f'scale: {scale:.6g}; the distances are off by {listed} cm')
    return scale


def _reduced(mesh: TexturedMesh, arguments: argparse.Namespace) -> TexturedMesh:
    """Return the mesh without what is to be dropped, and say what that is.

    :raises InputError: nothing is left.
    """
    from mesh_reloc_tools import parts
    from mesh_reloc_tools.prepare.textures import with_small_textures

    count = len(mesh.faces)
    mesh = parts.with_faces(mesh, parts.with_area(mesh))
    dropped = [f'{count - len(mesh.faces):,} faces without area']
    if arguments.box is not None:
        corners = np.array(arguments.box).reshape(2, 3)
        inside = parts.in_box(mesh, corners.min(0), corners.max(0))
        if not (inside & ~mesh.is_plain).any():
            raise InputError('--box: no textured face is in it; it is in coordinates of the output')
        dropped.append(f'{(~inside).sum():,} faces outside of the box')
        mesh = parts.with_faces(mesh, inside)
    if arguments.min_part > 0:
        large, small = parts.large_parts(mesh, arguments.min_part / 100)
        dropped.append(f'{small:,} small parts of {(~large).sum():,} faces')
        mesh = parts.with_faces(mesh, large)
    if not (~mesh.is_plain).any():
        raise InputError('no textured face is left: lower --min-part')
    print(f'dropped: {", ".join(dropped)}')
    if arguments.faces is not None and arguments.faces < len(mesh.faces):
        from mesh_reloc_tools.simplification.decimation import decimated

        return decimated(mesh, arguments.faces, arguments.texture_size or _PAINTED)
    if arguments.texture_size is not None:
        mesh = with_small_textures(mesh, arguments.texture_size)
    return mesh


def _compare(before: TexturedMesh, after: TexturedMesh, report: Path | None) -> None:
    """Say how large the mesh is and what it has lost, and draw both."""
    from mesh_reloc_ros.process import use_one_core_per_operation
    from mesh_reloc_ros.render.scene import Scene
    from mesh_reloc_tools.prepare.loss import both_sides, loss_of

    use_one_core_per_operation()
    scenes = Scene(before), Scene(after)
    loss, poses = loss_of(*scenes)
    for name, mesh in (('before', before), ('after', after)):
        print(f'{name}: {_described(mesh)}')
    print('\n'.join(loss.lines()))
    if report is not None:
        write_picture(report, both_sides(*scenes, poses))
        print(f'picture: {report}')


def _described(mesh: TexturedMesh) -> str:
    extent = ' x '.join(f'{side:.4g}' for side in np.ptp(mesh.vertices, axis=0).tolist())
    texels = sum(page.shape[0] * page.shape[1] for page in mesh.textures)
    return (
        f'{len(mesh.faces):,} faces, {len(mesh.textures)} textures of {texels / 1e6:.3g} million'
        f' pixels, {extent} m'
    )
