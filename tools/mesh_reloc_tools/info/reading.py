"""Reads the images of a recording of any kind, to find what cannot be used."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.progress import Progress
from mesh_reloc_ros.recordings.recording import Recording
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_tools.info.findings import Findings

# Of longer recordings, the beginning is read.
_MOST_IMAGES = 3000
# A gap is this many times as long as usual, and so long.
_GAP_PERIODS, _GAP_S = 5.0, 0.5


def read_images(found: Findings, name: str, recording: Recording, progress: Progress) -> list[int]:
    """Decode the images, add what is wrong with them, and return their stamps in nanoseconds.

    :param name: what the lines begin with.
    """
    stamps: list[int] = []
    try:
        for frame in _shown(recording, progress):
            stamps.append(frame.stamp_ns)
    except InputError as error:
        found.problem(name, error)
        return stamps
    if len(stamps) == _MOST_IMAGES:
        found.fact(name, f'the first {_MOST_IMAGES} images were looked at')
    for line in recording.left_out.lines():
        found.note(name, line)
    _add_disorder(found, name, stamps)
    return stamps


def rate_of(stamps_ns: list[int]) -> float:
    """Return the usual rate in Hz; 0 for a single image."""
    steps = np.diff(np.sort(np.array(stamps_ns, dtype=np.int64)))
    steps = steps[steps > 0]
    return 1e9 / float(np.median(steps)) if len(steps) else 0.0


def _shown(recording: Recording, progress: Progress) -> Iterator[Frame]:
    total = min(max(len(recording), 1), _MOST_IMAGES)
    for number, frame in enumerate(recording.frames(), start=1):
        yield frame
        progress('decoding', min(number / total, 0.999))
        if number == _MOST_IMAGES:
            break
    progress('decoding', 1.0)


def _add_disorder(found: Findings, name: str, stamps_ns: list[int]) -> None:
    """Add notes on gaps, and on stamps that do not grow."""
    stamps = np.array(stamps_ns, dtype=np.int64)
    steps = np.diff(stamps) * 1e-9
    if not len(steps):
        return
    late = int((steps <= 0).sum())
    if late:
        found.note(name, f'{late} of {len(stamps)} stamps are not newer than the one before')
    usual = 1 / max(rate_of(stamps_ns), 1e-9)
    is_gap = (steps > _GAP_PERIODS * usual) & (steps > _GAP_S)
    found.numbers['gaps'] = found.numbers.get('gaps', 0) + int(is_gap.sum())
    if is_gap.any():
        longest = int(steps.argmax())
        at = (stamps[longest] - stamps[0]) * 1e-9
        count = 'a gap' if is_gap.sum() == 1 else f'{int(is_gap.sum())} gaps, the longest'
        found.note(
            name,
            f'{count} of {steps[longest]:.1f} s at {at:.1f} s: if the camera moved in it, it is'
            ' searched for',
        )
