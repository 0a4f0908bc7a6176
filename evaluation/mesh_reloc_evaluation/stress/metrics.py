"""Metrics of case results: by fault and strength, and overall."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mesh_reloc_evaluation.stress.case_result import SOON_S, CaseResult
from mesh_reloc_evaluation.stress.stress_image import Phase

Metrics = dict[str, Any]


def by_strength(results: list[CaseResult]) -> dict[tuple[str, str], list[CaseResult]]:
    """Return the results by fault and strength, in order."""
    groups: dict[tuple[str, str], list[CaseResult]] = {}
    for result in results:
        groups.setdefault((result.fault, result.strength), []).append(result)
    return groups


def summarize(results: list[CaseResult]) -> Metrics:
    """Return the metrics of some cases, times in seconds.

    A case that never recovers counts as infinitely late; a median or maximum that is infinite is
    None.
    """
    clean = [i for result in results for i in result.of(Phase.BEFORE, Phase.AFTER)]
    faulty = [i for result in results for i in result.of(Phase.FAULT)]
    recovering = [result for result in results if result.has_recovery]
    errors = [i.error_m for result in results for i in result.images if i.error_m is not None]
    return {
        'cases': len(results),
        'clean_images': len(clean),
        'clean_published': sum(image.trusted for image in clean),
        'fault_images': len(faulty),
        'fault_published': sum(image.trusted for image in faulty),
        'wrong': sum(result.wrong for result in results),
        'wrong_cases': [result.name for result in results if result.wrong],
        'max_cm': 100 * max(errors) if errors else None,
        'recoveries': len(recovering),
        **_spread('recovery_s', [result.recovery_s for result in recovering]),
        **_spread('recovery_work_s', [result.recovery_work_s for result in recovering]),
        'soon': sum(result.soon for result in recovering),
        'slow_cases': [result.name for result in recovering if not result.soon],
        'soon_live': sum(result.soon_live for result in recovering),
        'missed': sum(image.missed for result in results for image in result.images),
        'stayed': sum(result.stayed for result in recovering),
    }


def summarize_all(results: list[CaseResult]) -> Metrics:
    """Return the metrics of cases with a start pose (`faults`) and of those without (`starts`)."""
    starts = [result for result in results if result.without_start]
    faults = [result for result in results if not result.without_start]
    summary = {'faults': summarize(faults)} if faults else {}
    if starts:
        summary['starts'] = summarize(starts)
    return summary


def worst(results: list[CaseResult]) -> CaseResult:
    """Return the result with the most wrong poses."""
    return max(results, key=lambda result: result.wrong)


def summary_lines(summary: Metrics) -> list[str]:
    """Return the summary in sentences."""
    lines = []
    if 'faults' in summary:
        of = summary['faults']
        published = of['clean_published'] + of['fault_published']
        count = of['recoveries']
        lines += [
            f'Wrong poses published: {of["wrong"]} of {published}{_named(of["wrong_cases"])}',
            f'Recovered within {SOON_S:g} s of the end of the fault: {share(of["soon"], count)} of'
            f' {count} cases{_named(of["slow_cases"])}; {share(of["soon_live"], count)} within'
            f' {SOON_S:g} s of work',
            f'Clean images published: {share(of["clean_published"], of["clean_images"])} of'
            f' {of["clean_images"]}',
        ]
        if of['missed']:
            lines.append(f'Images missed because the tracker was busy: {of["missed"]}')
    if 'starts' in summary:
        of = summary['starts']
        lines.append(
            f'Started without a pose: {of["soon"]} of {of["cases"]} found within {SOON_S:g} s of'
            f' images, {len(of["wrong_cases"])} wrong{_named(of["slow_cases"])}; work until the'
            f' first pose: median {seconds(of["recovery_work_s_median"])} s, maximum'
            f' {seconds(of["recovery_work_s_max"])} s'
        )
    return lines


def share(part: int, of: int) -> str:
    """Return a share in percent, rounded down: 100 % only if it is all."""
    if not of:
        return '-'
    percent = 100 * part / of
    return f'{math.floor(10 * percent) / 10:.1f}%' if percent < 100 else '100%'


def seconds(value: float | None) -> str:
    """Return a time with two decimals, or `never`."""
    return 'never' if value is None else f'{value:.2f}'


def _spread(name: str, values: list[float | None]) -> Metrics:
    times = np.array([math.inf if value is None else value for value in values])
    if not len(times):
        return {f'{name}_median': None, f'{name}_max': None}
    # The upper of the two in the middle: their mean would be infinite if one is.
    median = float(np.sort(times)[len(times) // 2])
    return {
        f'{name}_median': median if math.isfinite(median) else None,
        f'{name}_max': float(times.max()) if math.isfinite(times.max()) else None,
    }


def _named(names: list[str], most: int = 12) -> str:
    if not names:
        return ''
    more = f' and {len(names) - most} more' if len(names) > most else ''
    return f' ({", ".join(names[:most])}{more})'
