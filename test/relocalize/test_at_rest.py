"""An answer that has not come to rest is aligned again."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from support.small_room import CAMERA, SmallRoom, error, perturbed, photographed, pose_at

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.align.lm_aligner import LmAligner
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.config.relocalization import RelocalizationSettings
from mesh_reloc_ros.relocalize.panoramas import Panoramas
from mesh_reloc_ros.relocalize.relocalizer import Relocalizer
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.initial_pose import InitialPose

TRUTH = pose_at(5)


class Hesitant:
    """Aligns, but ends so many times a little way off, with the score of the right pose."""

    knows_wide = True

    def __init__(self, room: SmallRoom, times: int) -> None:
        self._aligner = LmAligner(room.scene, AlignmentSettings())
        self._left = times
        self.widely = 0

    def align(self, *arguments: Any, wide: bool, **others: Any) -> Alignment:
        alignment = self._aligner.align(*arguments, wide=wide, **others)
        self.widely += wide
        if wide or not self._left:
            return alignment
        self._left -= 1
        off = torch.eye(4, dtype=torch.float64)
        off[0, 3] = 0.1 + 0.1 * (self._left % 2)
        return dataclasses.replace(alignment, map_T_camera=alignment.map_T_camera @ off)

    def look_ahead(self, camera: Any, map_T_camera: Any) -> None:
        pass


def no_panoramas() -> Panoramas:
    raise AssertionError('a hint needs no panoramas')


@pytest.mark.parametrize(('times', 'widely'), [(0, 0), (1, 0), (2, 0), (99, 1)])
def test_the_answer_is_where_the_alignment_comes_to_rest(room: SmallRoom, times: int, widely: int):
    aligner = Hesitant(room, times)
    relocalizer = Relocalizer(room.scene, no_panoramas, aligner, RelocalizationSettings())
    image = photographed(room.view(TRUTH), seed=3)
    hint = perturbed(TRUTH, 4, metres=0.3, degrees=10)
    found = relocalizer.locate(Frame(1, image, CAMERA), InitialPose(hint))
    assert found is not None
    metres, degrees = error(found.map_T_camera, TRUTH)
    assert metres < 0.01
    assert degrees < 0.2
    assert np.array_equal(found.map_T_camera, found.alignment.map_T_camera[0].numpy())
    assert aligner.widely == widely
