"""The catalogue: what is in it, how cases are named and chosen, and that all can be made."""

import numpy as np
import pytest
from evaluation_support.sequences import numbered_footage
from mesh_reloc_evaluation.stress.cases import FAULTS, STARTS, make_cases
from mesh_reloc_evaluation.stress.footage import Part

from mesh_reloc_ros.errors import InputError


def test_names_are_unique_and_choose_faults_or_single_cases(footage):
    names = [case.name for case in make_cases(footage)]
    assert len(names) == len(set(names))
    assert [case.name for case in make_cases(footage, 'kidnap:3')] == ['kidnap:3']
    chosen = make_cases(footage, ' black, gap:2 ')
    assert {case.name for case in chosen} >= {'black:1', 'black:2', 'gap:2'}
    assert {case.fault for case in chosen} == {'black', 'gap'}
    assert len([case for case in chosen if case.fault == 'gap']) == 1


@pytest.mark.parametrize('chosen', ['blakc', 'kidnap:999', 'black,,kidnap:', ' , '])
def test_an_unknown_fault_is_refused_with_a_list(footage, chosen):
    with pytest.raises(InputError, match='choose from clean, start, black'):
        make_cases(footage, chosen)


def test_every_case_can_be_made_the_same_twice(footage):
    for case in make_cases(footage, moments=1):
        first, second = case.make(), case.make()
        assert len(first) == len(second) > 0
        for a, b in zip(first, second, strict=True):
            np.testing.assert_array_equal(a.frame.image, b.frame.image)
            assert (a.frame.stamp_ns, a.frame.camera) == (b.frame.stamp_ns, b.frame.camera)
            assert a.part is b.part
            assert a.frame.image.shape == (30, 40, 3)


def test_a_fault_lies_between_clean_images(footage):
    """Long enough before, and after to see whether it recovers within a second."""
    period_s = footage.period_ns * 1e-9
    for case in make_cases(footage):
        parts = [item.part for item in case.make()]
        fault = FAULTS[case.fault]
        if fault.lasting:
            assert len(set(parts)) == 1
            assert len(parts) == len(footage)
        elif not fault.from_nothing:
            assert parts.count(Part.BEFORE) >= 4
            assert parts.count(Part.AFTER) * period_s > 1.2


def test_clean_images_are_left_alone_around_a_fault(footage):
    for name in ('black', 'covered', 'exposure', 'mirrored', 'elsewhere', 'order', 'frozen'):
        for case in make_cases(footage, name):
            for item in case.make():
                if item.part is not Part.FAULT:
                    number = int(item.frame.image[0, 0, 0])
                    assert (item.frame.image == number).all()
                    np.testing.assert_array_equal(item.map_T_camera, footage.poses[number])


def test_more_moments_add_cases_elsewhere_and_change_none(footage):
    few = {case.name: case for case in make_cases(footage, 'black', moments=1)}
    many = {case.name: case for case in make_cases(footage, 'black', moments=3)}
    assert list(many)[: len(few)] == list(few)
    assert len(many) == 3 * len(few)
    begins = {name: case.make()[0].frame.stamp_ns for name, case in many.items()}
    assert begins['black:1'] == few['black:1'].make()[0].frame.stamp_ns
    assert len({begins[f'black:{number}'] for number in (1, 4, 7)}) == 3


def test_starts_are_spread_over_the_footage(footage):
    starts = make_cases(footage, 'start')
    assert len(starts) == STARTS
    assert all(case.from_nothing for case in starts)
    firsts = [int(case.make()[0].frame.image[0, 0, 0]) for case in starts]
    assert firsts == sorted(firsts)
    assert firsts[0] < 3
    assert firsts[-1] > 0.75 * len(footage)
    assert all(len(case.make()) > 4 for case in starts)


def test_quick_has_a_case_of_each_strength(footage):
    quick = make_cases(footage, quick=True)
    strengths = {(fault.name, s.label) for fault in FAULTS.values() for s in fault.strengths}
    assert {(case.fault, case.strength) for case in quick} == strengths
    assert len(quick) < len(make_cases(footage)) / 2 + STARTS


@pytest.mark.parametrize('count', [8, 11, 30])
def test_short_footage_has_all_cases_too(count):
    for case in make_cases(numbered_footage(count), moments=2):
        assert case.make()
