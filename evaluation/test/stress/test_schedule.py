"""Where a fault lies in the sequence."""

from dataclasses import replace

import numpy as np
import pytest
from evaluation_support.sequences import PERIOD_NS, numbered_sequence
from mesh_reloc_evaluation.stress.schedule import Span, during_fault, of_image, span_of, throughout
from mesh_reloc_evaluation.stress.stress_image import Phase

SEQUENCE = numbered_sequence(60)
RNG = np.random.default_rng(0)


def brighter(rng):
    return lambda image, progress: image + np.uint8(100 + 50 * progress)


@pytest.mark.parametrize('moment', [0.0, 0.4, 0.9999])
def test_only_the_images_of_the_fault_are_changed(moment):
    shown = during_fault(of_image(brighter))(SEQUENCE, Span(5, 10, 20, moment), RNG)
    assert [item.phase for item in shown] == [Phase.BEFORE] * 5 + [Phase.FAULT] * 10 + [
        Phase.AFTER
    ] * 20
    first = int(shown[0].frame.image[0, 0, 0])
    assert first == int(moment * 26)
    for k, item in enumerate(shown):
        value, original = item.frame.image[0, 0, 0], SEQUENCE.frames[first + k]
        progress = (k - 5 + 0.5) / 10
        faulty = item.phase is Phase.FAULT
        assert value == first + k + (np.uint8(100 + 50 * progress) if faulty else 0)
        assert item.frame == replace(original, image=item.frame.image)
        np.testing.assert_array_equal(item.map_T_camera, SEQUENCE.poses[first + k])


def test_a_lasting_fault_changes_every_image():
    shown = throughout(of_image(brighter))(SEQUENCE, Span(5, 10, 20, 0.5), RNG)
    assert [int(item.frame.image[0, 0, 0]) for item in shown][::59] == [100, 59 + 149]
    assert {item.phase for item in shown} == {Phase.FAULT}
    assert len(shown) == 60


def test_spans_are_counted_in_images_and_shortened_alike():
    period_s = PERIOD_NS * 1e-9
    assert span_of(SEQUENCE, 4 * period_s, 6 * period_s, 20 * period_s, 0.5) == Span(4, 6, 20, 0.5)
    assert span_of(SEQUENCE, 30 * period_s, 60 * period_s, 30 * period_s, 0.5) == Span(
        15, 30, 15, 0.5
    )
    assert span_of(SEQUENCE, 0.0, 0.0, 0.0, 0.5) == Span(1, 1, 1, 0.5)
