"""What is in videos and folders of images."""

from __future__ import annotations

from pathlib import Path

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.progress import Progress, silent
from mesh_reloc_ros.recordings.calibration import Calibration, Size
from mesh_reloc_ros.recordings.images import ImageFiles
from mesh_reloc_ros.recordings.video import Video
from mesh_reloc_tools.info.findings import Company, Findings
from mesh_reloc_tools.info.reading import read_images

_MOST_SIZES = 4


def inspect_video(path: Path, company: Company, progress: Progress = silent) -> Findings:
    """Return size, rate and gaps of a video, and whether it is whole."""
    found = Findings(str(path), 'video')
    try:
        video = Video(path, _any_camera())
    except InputError as error:
        found.problem('unreadable', error)
        return found
    width, height = video.size
    found.fact(
        'images',
        f'about {len(video):,} of {width}x{height}, {video.rate:.4g} per second',
        width=width,
        height=height,
        images=len(video),
        rate_hz=video.rate,
    )
    if video.is_turned:
        found.fact('turned', 'as the file asks for')
    stamps = read_images(found, 'images', video, progress)
    if stamps:
        found.fact('duration', f'{stamps[-1] * 1e-9:.1f} s', duration_s=stamps[-1] * 1e-9)
        _add_fit(found, '--video', company, [video.size])
    return found


def inspect_images(path: Path, company: Company, progress: Progress = silent) -> Findings:
    """Return number and sizes of image files, and which cannot be used."""
    found = Findings(str(path), 'images')
    try:
        images = ImageFiles(path, _any_camera())
    except InputError as error:
        found.problem('unreadable', error)
        return found
    names = images.names
    found.fact('images', f'{len(names):,}, in this order: {names[0]} to {names[-1]}')
    sizes = images.sizes
    for (width, height), count in list(sizes.items())[:_MOST_SIZES]:
        found.fact('size', f'{width}x{height}: {count:,} images')
    found.numbers |= {'images': len(names), 'sizes': list(sizes)}
    read_images(found, 'images', images, progress)
    _add_fit(found, '--images', company, list(sizes))
    return found


def _any_camera() -> Calibration:
    """Return a calibration for images of every size."""
    return Calibration(None, 60.0)


def _add_fit(found: Findings, option: str, company: Company, sizes: list[Size]) -> None:
    """Say which calibration is for these images, and how to use it."""
    if not found.is_usable:
        return
    mismatch = ''
    given: tuple[str | Path, ...] = ('--fov', 'DEGREES')
    for file in company.cameras:
        try:
            calibration = Calibration(file, None)
        except InputError:
            continue  # which is said of that file
        if any(calibration.is_for(size) for size in sizes):
            given, mismatch = ('--camera', file), ''
            found.fact('camera', f'{file} is for this size')
            break
        mismatch = calibration.mismatch(sizes[0])
    if not company.cameras:
        found.fact('camera', 'to be given: --camera camera.yaml, or --fov DEGREES across the image')
    if mismatch:
        found.problem('camera', mismatch)
    else:
        found.fact('try', company.command(option, found.path, *given))
