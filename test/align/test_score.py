"""The score: correlation of render and image, whatever the exposure."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.oracle import score as oracle

from mesh_reloc_ros.align.alignment import neutral_exposure
from mesh_reloc_ros.align.points import all_points
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.align.score import block_correlations, mean_correlation, median_correlation
from mesh_reloc_ros.types import se3


@pytest.fixture
def view(room_levels):
    """Return the points of three views at a coarse level, and the image of the first."""
    level = room_levels[2]
    image = (255 * level.colour[0].permute(1, 2, 0)).round().to(torch.uint8).contiguous()
    return all_points(level).on_host(), ImageLevel(2, image.numpy(), level.camera)


def correlation_of(surface, level, live_T_keyframe):
    return median_correlation(block_correlations(surface, level, live_T_keyframe, AS_IT_IS))[0]


AS_IT_IS = neutral_exposure(3)
STILL = torch.eye(4, dtype=torch.float64).repeat(3, 1, 1)


def test_the_image_itself_scores_one_and_others_less(view):
    surface, level = view
    scores = correlation_of(surface, level, STILL)
    assert float(scores[0]) == pytest.approx(1.0, abs=1e-4)
    assert float(scores[1]) < 0.95
    assert float(scores[2]) < float(scores[1])


def test_exposure_does_not_matter_but_an_inverted_image_does(view):
    surface, level = view
    scores = correlation_of(surface, level, STILL)
    dimmed = (0.4 * level.image + 76.5).astype(np.uint8)
    other = correlation_of(surface, replace(level, image=dimmed), STILL)
    assert torch.allclose(scores, other, atol=2e-3)
    inverted = correlation_of(surface, replace(level, image=255 - level.image), STILL)
    assert torch.allclose(scores, -inverted, atol=0.02)


def test_what_covers_a_part_of_the_view_does_not_count_against_the_rest(view):
    surface, level = view
    covered = level.image.copy()
    covered[:, : level.camera.width * 3 // 10] = (230, 25, 51)
    assert float(correlation_of(surface, replace(level, image=covered), STILL)[0]) > 0.95


def test_noise_scores_about_nothing(view):
    surface, level = view
    generator = torch.Generator().manual_seed(1)
    noise = torch.randint(256, level.image.shape, dtype=torch.uint8, generator=generator)
    noisy = replace(level, image=noise.numpy())
    assert correlation_of(surface, noisy, STILL).abs().max() < 0.1


def test_the_score_peaks_at_the_right_pose(view):
    surface, level = view
    best = correlation_of(surface, level, STILL)[0]
    for twist in torch.eye(6, dtype=torch.float64):
        for sign in (-1, 1):
            moved = se3.exp(sign * 0.03 * twist).repeat(3, 1, 1)
            assert correlation_of(surface, level, moved)[0] < best - 0.003


@pytest.mark.parametrize('colour', [0, 128])
def test_a_uniform_image_or_none_in_view_scores_zero(view, colour):
    surface, level = view
    uniform = replace(level, image=np.full_like(level.image, colour))
    assert correlation_of(surface, uniform, STILL).abs().max() < 1e-6
    away = se3.exp(torch.tensor([0, 0, -99.0, 0, 0, 0], dtype=torch.float64)).repeat(3, 1, 1)
    assert not correlation_of(surface, level, away).any()


def test_the_compiled_score_is_that_of_the_reference(view):
    surface, level = view
    generator = torch.Generator().manual_seed(2)
    kept = torch.rand(surface.weights.shape, generator=generator) > 0.3
    surface = replace(surface, weights=surface.weights * kept.numpy())
    # Without any motion it would be up to rounding whether pixels at the border are inside.
    for scale in (0.003, 0.01, 0.1, 0.5):
        motions = se3.exp(scale * torch.randn(3, 6, generator=generator, dtype=torch.float64))
        reference = oracle.block_correlations(surface, level, motions).float()
        compiled = block_correlations(surface, level, motions, neutral_exposure(len(motions)))
        assert torch.allclose(compiled, reference, atol=2e-4, equal_nan=True)
        assert scale > 0.1 or (~reference.isnan()).sum(1).min() > 5


def test_a_few_blocks_that_agree_are_less_than_many(view):
    surface, level = view
    few = replace(surface, weights=surface.weights.copy())
    few.weights[:, : few.weights.shape[1] * 9 // 10] = 0
    none = replace(surface, weights=np.zeros_like(surface.weights))
    all_agree, few_agree, none_agree = (
        mean_correlation(block_correlations(each, level, STILL, AS_IT_IS))
        for each in (surface, few, none)
    )
    assert float(all_agree[0]) == pytest.approx(1.0, abs=1e-3)
    assert 0 < float(few_agree[0]) < 0.6
    assert not none_agree.any()
