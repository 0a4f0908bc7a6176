"""What `mesh_reloc track` draws while it tracks: the overlay video and the page."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mesh_reloc_ros.config.overlay import OverlaySettings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.recordings.recording import Recording
from mesh_reloc_ros.types.estimate import PoseEstimate
from mesh_reloc_ros.types.frame import Frame

if TYPE_CHECKING:
    from mesh_reloc_ros.render.scene import Scene

Draw = Callable[[Frame, PoseEstimate], None]
PAGE_GROUP = 'mesh_reloc.track_page'
"""The entry point of this group is a module with `check_page` and `page_of_track`."""


def check_drawings(arguments: argparse.Namespace) -> None:
    """Refuse a page that could not be made, before the work begins.

    :raises InputError: its package is not installed, or the page could not be written.
    """
    if arguments.html is not None:
        _page_maker().check_page(arguments.html)


@contextmanager
def drawings(
    arguments: argparse.Namespace,
    scene: Scene,
    recording: Recording,
    overlay: OverlaySettings,
    up_axis: str,
) -> Iterator[Draw]:
    """Yield a function that draws an image and its pose where that is asked for.

    :raises InputError: an output cannot be written.
    """
    with ExitStack() as stack:
        draws: list[Draw] = []
        if arguments.overlay is not None:
            draws.append(stack.enter_context(_video(arguments.overlay, scene, overlay)))
        if arguments.html is not None:
            page: AbstractContextManager[Draw] = _page_maker().page_of_track(
                arguments.html, scene, recording, up_axis
            )
            draws.append(stack.enter_context(page))

        def draw(frame: Frame, estimate: PoseEstimate) -> None:
            for one in draws:
                one(frame, estimate)

        yield draw


@contextmanager
def _video(path: Path, scene: Scene, settings: OverlaySettings) -> Iterator[Draw]:
    from mesh_reloc_ros.overlay import draw_overlay
    from mesh_reloc_ros.overlay.video import overlay_video

    with overlay_video(path) as video:
        yield lambda frame, estimate: video.add(
            frame.stamp_ns, draw_overlay(scene, frame, estimate, settings=settings)
        )


def _page_maker() -> Any:
    """Return the module that makes the page, which a robot need not have."""
    for entry in entry_points(group=PAGE_GROUP):
        return entry.load()
    raise InputError(
        '--html needs mesh_reloc_tools, which is not installed: in a checkout of the repository,'
        ' run make setup or pip install -e tools'
    )
