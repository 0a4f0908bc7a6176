"""The catalogue of faults: names and choice of cases, and their images."""

import numpy as np
import pytest
from evaluation_support.sequences import numbered_sequence
from mesh_reloc_evaluation.stress.cases import STARTS, make_cases
from mesh_reloc_evaluation.stress.catalogue import fault_catalogue
from mesh_reloc_evaluation.stress.stress_image import Phase
from support.small_room import small_room_mesh

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.render.scene import Scene

FAULTS = fault_catalogue(
    [np.full((30, 40, 3), 255, dtype=np.uint8)], Scene(small_room_mesh(), 'cpu')
)


def cases_of(sequence, *arguments, **options):
    return make_cases(sequence, *arguments, faults=FAULTS, **options)


def test_names_are_unique_and_choose_faults_or_single_cases(sequence):
    names = [case.name for case in cases_of(sequence)]
    assert len(names) == len(set(names))
    assert [case.name for case in cases_of(sequence, 'kidnap:3')] == ['kidnap:3']
    chosen = cases_of(sequence, ' black, gap:2 ')
    assert {case.name for case in chosen} >= {'black:1', 'black:2', 'gap:2'}
    assert {case.fault for case in chosen} == {'black', 'gap'}
    assert len([case for case in chosen if case.fault == 'gap']) == 1


@pytest.mark.parametrize('chosen', ['blakc', 'kidnap:999', 'black,,kidnap:', ' , '])
def test_an_unknown_fault_is_refused_with_a_list(sequence, chosen):
    with pytest.raises(InputError, match='choose from clean, start, black'):
        cases_of(sequence, chosen)


def test_every_case_can_be_made_the_same_twice(sequence):
    for case in cases_of(sequence, moments=1):
        first, second = case.make(), case.make()
        assert len(first) == len(second) > 0
        for a, b in zip(first, second, strict=True):
            np.testing.assert_array_equal(a.frame.image, b.frame.image)
            assert (a.frame.stamp_ns, a.frame.camera) == (b.frame.stamp_ns, b.frame.camera)
            assert a.phase is b.phase
            assert a.frame.image.shape == (30, 40, 3)


def test_a_fault_lies_between_clean_images(sequence):
    """Long enough before, and after to see whether it recovers within a second."""
    period_s = sequence.period_ns * 1e-9
    for case in cases_of(sequence):
        phases = [item.phase for item in case.make()]
        fault = FAULTS[case.fault]
        if fault.lasting:
            assert len(set(phases)) == 1
            assert len(phases) == len(sequence)
        elif not fault.without_start:
            assert phases.count(Phase.BEFORE) >= 4
            assert phases.count(Phase.AFTER) * period_s > 1.2


def test_clean_images_are_left_alone_around_a_fault(sequence):
    for name in ('black', 'covered', 'exposure', 'mirrored', 'elsewhere', 'order', 'frozen'):
        for case in cases_of(sequence, name):
            for item in case.make():
                if item.phase is not Phase.FAULT:
                    number = int(item.frame.image[0, 0, 0])
                    assert (item.frame.image == number).all()
                    np.testing.assert_array_equal(item.map_T_camera, sequence.poses[number])


def test_more_moments_add_cases_elsewhere_and_change_none(sequence):
    few = {case.name: case for case in cases_of(sequence, 'black', moments=1)}
    many = {case.name: case for case in cases_of(sequence, 'black', moments=3)}
    assert list(many)[: len(few)] == list(few)
    assert len(many) == 3 * len(few)
    begins = {name: case.make()[0].frame.stamp_ns for name, case in many.items()}
    assert begins['black:1'] == few['black:1'].make()[0].frame.stamp_ns
    assert len({begins[f'black:{number}'] for number in (1, 4, 7)}) == 3


def test_starts_are_spread_over_the_sequence(sequence):
    starts = cases_of(sequence, 'start')
    assert len(starts) == STARTS
    assert all(case.without_start for case in starts)
    firsts = [int(case.make()[0].frame.image[0, 0, 0]) for case in starts]
    assert firsts == sorted(firsts)
    assert firsts[0] < 3
    assert firsts[-1] > 0.75 * len(sequence)
    assert all(len(case.make()) > 4 for case in starts)


def test_quick_has_a_case_of_each_strength(sequence):
    quick = cases_of(sequence, quick=True)
    strengths = {(fault.name, s.label) for fault in FAULTS.values() for s in fault.strengths}
    assert {(case.fault, case.strength) for case in quick} == strengths
    assert len(quick) < len(cases_of(sequence)) / 2 + STARTS


@pytest.mark.parametrize('count', [8, 11, 30])
def test_short_sequence_has_all_cases_too(count):
    for case in cases_of(numbered_sequence(count), moments=2):
        assert case.make()
