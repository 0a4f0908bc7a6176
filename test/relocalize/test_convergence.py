"""An answer that has not converged is aligned again."""

import dataclasses
import inspect
from typing import Any

import pytest
import torch
from support.relocalizers import without_views
from support.small_room import CAMERA, SmallRoom, error, perturbed, photographed, pose_at

from mesh_reloc_ros.align.alignment import Alignment, AlignMode
from mesh_reloc_ros.align.coarse_to_fine import align_lm
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.initial_pose import InitialPose

TRUTH = pose_at(5)


class Hesitant:
    """Aligns, but ends a few times a little way off, with the score of the right pose."""

    def __init__(self, times: int) -> None:
        self._left = times
        self.coarse = 0

    def __call__(self, *arguments: Any, **others: Any) -> Alignment:
        mode = inspect.signature(align_lm).bind(*arguments, **others).arguments['mode']
        alignment = align_lm(*arguments, **others)
        self.coarse += mode is AlignMode.COARSE
        if mode is AlignMode.COARSE or not self._left:
            return alignment
        self._left -= 1
        off = torch.eye(4, dtype=torch.float64)
        off[0, 3] = 0.1 + 0.1 * (self._left % 2)
        return dataclasses.replace(alignment, map_T_camera=alignment.map_T_camera @ off)


@pytest.mark.parametrize(('times', 'coarse'), [(0, 0), (1, 0), (2, 0), (99, 1)])
def test_the_answer_is_where_the_alignment_converges(
    room: SmallRoom, monkeypatch: pytest.MonkeyPatch, times: int, coarse: int
):
    hesitant = Hesitant(times)
    monkeypatch.setattr('mesh_reloc_ros.relocalize.relocalizer.align_lm', hesitant)
    relocalizer = without_views(room.scene)
    image = photographed(room.view(TRUTH), seed=3)
    hint = perturbed(TRUTH, 4, metres=0.3, degrees=10)
    found = relocalizer.locate(Frame(1, image, CAMERA), InitialPose(hint))
    assert found is not None
    metres, degrees = error(found.pose, TRUTH)
    assert metres < 0.01
    assert degrees < 0.2
    assert hesitant.coarse == coarse
