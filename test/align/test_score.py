"""The score: correlation of render and image, whatever the exposure."""

from dataclasses import replace

import pytest
import torch

from mesh_reloc_ros.align.points import all_points
from mesh_reloc_ros.align.score import (
    block_correlations,
    block_correlations_by_tensors,
    correlation,
    mean_block_ncc,
)
from mesh_reloc_ros.types import se3


@pytest.fixture
def view(room_levels):
    """Return the points of three views at a coarse level, its camera, and the first view."""
    level = room_levels[2]
    image = (255 * level.colour[0].permute(1, 2, 0)).round().to(torch.uint8).contiguous()
    return all_points(level), level.camera, image


STILL = torch.eye(4, dtype=torch.float64).repeat(3, 1, 1)


def test_the_image_itself_scores_one_and_others_less(view):
    surface, camera, image = view
    scores = correlation(surface, image, camera, STILL)
    assert float(scores[0]) == pytest.approx(1.0, abs=1e-4)
    assert float(scores[1]) < 0.95
    assert float(scores[2]) < float(scores[1])


def test_exposure_does_not_matter_but_an_inverted_image_does(view):
    surface, camera, image = view
    scores = correlation(surface, image, camera, STILL)
    other = correlation(surface, (0.4 * image + 76.5).to(torch.uint8), camera, STILL)
    assert torch.allclose(scores, other, atol=2e-3)
    inverted = correlation(surface, 255 - image, camera, STILL)
    assert torch.allclose(scores, -inverted, atol=0.02)


def test_what_covers_a_part_of_the_view_does_not_count_against_the_rest(view):
    surface, camera, image = view
    covered = image.clone()
    covered[:, : camera.width * 3 // 10] = torch.tensor([230, 25, 51], dtype=torch.uint8)
    assert float(correlation(surface, covered, camera, STILL)[0]) > 0.95


def test_noise_scores_about_nothing(view):
    surface, camera, image = view
    generator = torch.Generator().manual_seed(1)
    noise = torch.randint(256, image.shape, dtype=torch.uint8, generator=generator)
    assert correlation(surface, noise, camera, STILL).abs().max() < 0.1


def test_the_score_peaks_at_the_right_pose(view):
    surface, camera, image = view
    best = correlation(surface, image, camera, STILL)[0]
    for twist in torch.eye(6, dtype=torch.float64):
        for sign in (-1, 1):
            moved = se3.exp(sign * 0.03 * twist).repeat(3, 1, 1)
            assert correlation(surface, image, camera, moved)[0] < best - 0.003


@pytest.mark.parametrize('colour', [0, 128])
def test_a_uniform_image_or_none_in_view_scores_zero(view, colour):
    surface, camera, image = view
    uniform = torch.full_like(image, colour)
    assert correlation(surface, uniform, camera, STILL).abs().max() < 1e-6
    away = se3.exp(torch.tensor([0, 0, -99.0, 0, 0, 0], dtype=torch.float64)).repeat(3, 1, 1)
    assert not correlation(surface, image, camera, away).any()


def test_the_compiled_score_is_that_of_the_tensor_operations(view):
    surface, camera, image = view
    generator = torch.Generator().manual_seed(2)
    weights = (torch.rand(surface.weights.shape, generator=generator) > 0.3) * surface.weights
    surface = replace(surface, weights=weights)
    # Without any motion it would be up to rounding whether pixels at the border are inside.
    for scale in (0.003, 0.01, 0.1, 0.5):
        motions = se3.exp(scale * torch.randn(3, 6, generator=generator, dtype=torch.float64))
        by_tensors = block_correlations_by_tensors(surface, image, camera, motions).float()
        compiled = block_correlations(surface, image, camera, motions)
        assert torch.allclose(compiled, by_tensors, atol=2e-4, equal_nan=True)
        assert scale > 0.1 or (~by_tensors.isnan()).sum(1).min() > 5


def test_a_few_blocks_that_agree_are_less_than_many(view):
    surface, camera, image = view
    few = replace(surface, weights=surface.weights.clone())
    few.weights[:, : few.weights.shape[1] * 9 // 10] = 0
    assert float(mean_block_ncc(surface, image, camera, STILL)[0]) == pytest.approx(1.0, abs=1e-3)
    assert 0 < float(mean_block_ncc(few, image, camera, STILL)[0]) < 0.6
    none = replace(surface, weights=torch.zeros_like(surface.weights))
    assert not mean_block_ncc(none, image, camera, STILL).any()
