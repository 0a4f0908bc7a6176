"""The images that the tracker is given in a stress case."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from mesh_reloc_evaluation.posed_sequence import PosedSequence
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.frame import Frame


class Phase(Enum):
    """Part of a case: clean images before the fault, the fault, clean images after it."""

    BEFORE = 'before'
    FAULT = 'fault'
    AFTER = 'after'


@dataclass(frozen=True)
class StressImage:
    """An image that the tracker is given."""

    frame: Frame
    map_T_camera: Array | None
    """[4, 4] true pose; None if the image does not show the map, so that every pose is wrong."""
    phase: Phase


def unchanged(
    sequence: PosedSequence, index: int, phase: Phase, stamp_ns: int | None = None
) -> StressImage:
    """Return an image of the sequence as it is, with another stamp if one is given."""
    frame = sequence.frames[index]
    if stamp_ns is not None:
        frame = replace(frame, stamp_ns=stamp_ns)
    return StressImage(frame, sequence.poses[index], phase)
