"""Faults in order and time: which images come, when, and with which truth."""

import numpy as np
import pytest
from evaluation_support.sequences import BEGIN_NS, PERIOD_NS, numbered_sequence
from mesh_reloc_evaluation.stress import time_faults
from mesh_reloc_evaluation.stress.schedule import Span
from mesh_reloc_evaluation.stress.stress_image import Phase

LENGTH = 60
BEFORE, FAULT, AFTER = 5, 8, 12
MOMENTS = (0.0, 0.3, 0.77, 0.999)


def made(maker, moment=0.3, seed=0, sequence=None):
    """Return numbers, parts, and stamps in periods from the first image of the sequence."""
    sequence = sequence or numbered_sequence(LENGTH)
    span = Span(BEFORE, FAULT, AFTER, moment)
    shown = maker(sequence, span, np.random.default_rng(seed))
    numbers = np.array([int(item.frame.image[0, 0, 0]) for item in shown])
    for number, item in zip(numbers, shown, strict=True):
        # The truth is always that of the image shown.
        np.testing.assert_array_equal(item.map_T_camera, sequence.poses[number])
    stamps = np.array([(item.frame.stamp_ns - BEGIN_NS) / PERIOD_NS for item in shown])
    parts = [item.phase for item in shown]
    assert parts.count(Phase.BEFORE) >= BEFORE
    assert parts.count(Phase.AFTER) == AFTER
    order = [Phase.BEFORE, Phase.FAULT, Phase.AFTER]
    assert parts == sorted(parts, key=order.index)
    return numbers, parts, stamps


def of(values, parts, part):
    return values[[p is part for p in parts]]


@pytest.mark.parametrize('moment', MOMENTS)
@pytest.mark.parametrize('back', [False, True])
@pytest.mark.parametrize('jump', [6, 20, 40])
def test_a_kidnap_jumps_there_and_back(moment, back, jump):
    signs = set()
    for seed in range(8):
        maker = time_faults.kidnap(jump * PERIOD_NS * 1e-9, back=back)
        numbers, parts, stamps = made(maker, moment, seed)
        np.testing.assert_allclose(np.diff(stamps), 1)
        steps = np.diff(numbers)
        places = np.nonzero(steps != 1)[0]
        assert places[0] == BEFORE - 1
        signs.add(int(np.sign(steps[places[0]] - 1)))
        assert abs(steps[places[0]] - 1) == jump
        if back:
            assert places[1] == BEFORE + FAULT - 1
            assert steps[places[1]] - 1 == -(steps[places[0]] - 1)
            assert len(places) == 2
            # It comes back to where it would be had it not left.
            assert numbers[BEFORE + FAULT] == numbers[0] + BEFORE + FAULT
        else:
            assert len(places) == 1
            assert parts.count(Phase.FAULT) == 0
    assert signs == {-1, 1} or jump == 40


def test_a_kidnap_is_shorter_where_the_sequence_is():
    numbers, _, _ = made(time_faults.kidnap(100.0), sequence=numbered_sequence(26))
    assert sorted(abs(np.diff(numbers)))[-1] >= 8


@pytest.mark.parametrize('moment', MOMENTS)
def test_a_gap_leaves_images_out(moment):
    seconds = 15 * PERIOD_NS * 1e-9
    numbers, parts, stamps = made(time_faults.gap(seconds, seconds), moment)
    np.testing.assert_allclose(stamps, numbers)
    assert np.diff(numbers).tolist() == [1] * 4 + [16] + [1] * 11
    assert parts.count(Phase.FAULT) == 0


def test_a_gap_by_the_stamps_alone_lets_the_camera_rest():
    numbers, _, stamps = made(time_faults.gap(0.0, 5.0))
    assert np.diff(numbers).tolist() == [1] * 16
    steps = np.diff(stamps)
    assert steps[4] == pytest.approx(5.0e9 / PERIOD_NS + 1)
    np.testing.assert_allclose(np.delete(steps, 4), 1)


def test_a_frozen_camera_repeats_its_image_under_new_stamps():
    numbers, parts, stamps = made(time_faults.frozen)
    np.testing.assert_allclose(np.diff(stamps), 1)
    last = of(numbers, parts, Phase.BEFORE)[-1]
    assert of(numbers, parts, Phase.FAULT).tolist() == [last] * FAULT
    assert of(numbers, parts, Phase.AFTER)[0] == last + FAULT + 1


@pytest.mark.parametrize(
    ('order', 'expected'),
    [
        (time_faults.swapped, [1, 0, 3, 2, 5, 4, 7, 6]),
        (time_faults.backward, [7, 6, 5, 4, 3, 2, 1, 0]),
        (time_faults.repeated, [k for k in range(8) for _ in range(3)]),
    ],
)
def test_images_keep_their_stamps_in_another_order(order, expected):
    numbers, parts, stamps = made(time_faults.reordered(order))
    np.testing.assert_allclose(stamps, numbers)
    first = of(numbers, parts, Phase.BEFORE)[-1] + 1
    assert (of(numbers, parts, Phase.FAULT) - first).tolist() == expected
    assert of(numbers, parts, Phase.AFTER)[0] == first + FAULT


def test_swapping_an_odd_number_leaves_the_last():
    assert time_faults.swapped(3) == [1, 0, 2]


def test_a_part_is_played_again_with_its_stamps():
    numbers, parts, stamps = made(time_faults.played_again)
    np.testing.assert_allclose(stamps, numbers)
    assert of(numbers, parts, Phase.AFTER)[0] == numbers[0]
    assert len(of(numbers, parts, Phase.BEFORE)) == BEFORE + FAULT


def test_stamps_are_late_and_jitter():
    numbers, parts, stamps = made(time_faults.stamps_off(0.3, 0.0))
    late = (stamps - numbers) * PERIOD_NS * 1e-9
    np.testing.assert_allclose(of(late, parts, Phase.FAULT), 0.3, atol=1e-9)
    np.testing.assert_allclose(of(late, parts, Phase.BEFORE), 0, atol=1e-9)
    np.testing.assert_allclose(of(late, parts, Phase.AFTER), 0, atol=1e-9)
    numbers, parts, stamps = made(time_faults.stamps_off(0.0, 0.01))
    jitter = of((stamps - numbers) * PERIOD_NS * 1e-9, parts, Phase.FAULT)
    assert 0.003 < jitter.std() < 0.03
