"""What is in a bag."""

from __future__ import annotations

import os
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.messages.camera_info import CameraInfo, check_is_rectified
from mesh_reloc_ros.progress import Progress, silent
from mesh_reloc_ros.recordings.bag import CAMERA_INFO_TYPES, IMAGE_TYPES, ImageBag
from mesh_reloc_ros.recordings.bag_files import OpenBag, open_bag
from mesh_reloc_tools.info.camera import add_camera
from mesh_reloc_tools.info.findings import Company, Finding, Findings, Level
from mesh_reloc_tools.info.reading import rate_of, read_images

_MOST_OTHERS = 4


def inspect_bag(path: Path, company: Company, progress: Progress = silent) -> Findings:
    """Return topics, rates, calibration and what cannot be used in a bag."""
    found = Findings(str(path), 'bag')
    try:
        bag = open_bag(path)
    except InputError as error:
        found.problem('unreadable', error)
        return found
    with closing(bag.reader):
        _contents(found, bag)
        images, infos = _topics(bag, IMAGE_TYPES), _topics(bag, CAMERA_INFO_TYPES)
    if not images:
        found.problem('images', "there are none: record the camera's image_rect or image_raw")
    if not infos:
        found.problem(
            'camera_info', 'there is none: record it with the images, or give track --camera'
        )
    if not images or not infos:
        return found
    options = [_image_topic(found, path, topic, infos, progress) for topic in images]
    usable = [
        [*(['--image-topic', topic] if len(images) > 1 else []), *given]
        for topic, given in zip(images, options, strict=True)
        if given is not None
    ]
    if usable:
        found.fact('try', company.command('--bag', path, *usable[0]))
    else:
        found.problem('images', 'none of the image topics can be used')
    return found


def _contents(found: Findings, bag: OpenBag) -> None:
    """Add when it was recorded and what else is in it."""
    for notice in bag.notices:
        found.note('file', notice)
    reader = bag.reader
    if not reader.message_count:
        return
    begin = datetime.fromtimestamp(reader.start_time * 1e-9, tz=timezone.utc)
    seconds = (reader.end_time - reader.start_time) * 1e-9
    found.fact('recorded', f'{begin:%Y-%m-%d %H:%M:%S} UTC, {seconds:.1f} s', duration_s=seconds)
    topics = {
        connection.topic: connection.msgtype
        for connection in reader.connections
        if connection.msgtype not in (*IMAGE_TYPES, *CAMERA_INFO_TYPES)
    }
    counts = {topic: reader.topics[topic].msgcount for topic in topics}
    found.numbers['messages'] = {t: info.msgcount for t, info in reader.topics.items()}
    named = [f'{topic} ({counts[topic]:,} {kind})' for topic, kind in sorted(topics.items())]
    if named:
        more = f' and {len(named) - _MOST_OTHERS} more' if len(named) > _MOST_OTHERS else ''
        found.fact('other topics', ', '.join(named[:_MOST_OTHERS]) + more)


def _topics(bag: OpenBag, types: tuple[str, ...]) -> list[str]:
    return sorted({c.topic for c in bag.reader.connections if c.msgtype in types and c.msgcount})


def _image_topic(
    found: Findings, path: Path, topic: str, infos: list[str], progress: Progress
) -> list[str] | None:
    """Add lines on the images of a topic; return the options for their use, None if unusable."""
    info_topic = _nearest(topic, infos)
    part = Findings(found.path, found.kind)
    try:
        with ImageBag(path, topic, info_topic) as bag:
            info, encoding, count = bag.first_info(), bag.encoding(), len(bag)
        rectify = _is_raw(info, topic)
        with ImageBag(path, topic, info_topic, rectify or None) as bag:
            stamps = read_images(part, topic, bag, progress)
    except InputError as error:
        part.problem(topic, error)
        stamps = []
    if stamps:
        text = f'{count:,} images, {rate_of(stamps):.4g} per second, {info.width}x{info.height}'
        found.fact(topic, f'{text}, {encoding}' + (', raw' if rectify else ''))
        add_camera(part, info_topic, info)
        part.numbers |= {'images': count, 'rate_hz': rate_of(stamps), 'encoding': encoding}
        part.numbers |= {'width': info.width, 'height': info.height, 'raw': rectify}
    found.lines += [_as_note(line) for line in part.lines]
    found.numbers.setdefault('topics', {})[topic] = part.numbers
    if not stamps:
        return None
    chosen = ['--camera-info-topic', info_topic] if len(infos) > 1 else []
    return [*chosen, '--rectify'] if rectify else chosen


def _is_raw(info: CameraInfo, topic: str) -> bool:
    try:
        check_is_rectified(info, topic)
    except InputError:
        return True
    return False


def _nearest(topic: str, infos: list[str]) -> str:
    """Return the camera_info topic that shares most of its name with an image topic."""
    return max(infos, key=lambda info: len(os.path.commonpath((topic, info))))


def _as_note(line: Finding) -> Finding:
    """Return a problem of one topic as a note: another topic may be usable."""
    return Finding(line.name, line.text, Level.NOTE) if line.level is Level.PROBLEM else line
