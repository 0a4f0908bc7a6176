"""The tables of a stress run."""

from __future__ import annotations

from mesh_reloc_evaluation.reporting.table import Table
from mesh_reloc_evaluation.stress.case_result import CaseResult
from mesh_reloc_evaluation.stress.metrics import by_strength, seconds, share, summarize
from mesh_reloc_evaluation.stress.out_of_map_run import OutOfMapResult

_HEADER = (
    'fault',
    'strength',
    'cases',
    'published: clean',
    'in the fault',
    'wrong',
    'max cm',
    'recovery s: median',
    'max',
    'within 1 s',
    'stayed',
    'work s: max',
)


def faults_table(results: list[CaseResult]) -> Table:
    """Return one row per fault and strength."""
    return Table(
        _HEADER,
        [_row(fault, strength, group) for (fault, strength), group in by_strength(results).items()],
    )


def _row(fault: str, strength: str, group: list[CaseResult]) -> list[str]:
    of = summarize(group)
    recovers = of['recoveries'] > 0
    return [
        fault,
        strength,
        str(of['cases']),
        share(of['clean_published'], of['clean_images']),
        share(of['fault_published'], of['fault_images']),
        str(of['wrong']),
        '-' if of['max_cm'] is None else f'{of["max_cm"]:.1f}',
        seconds(of['recovery_s_median']) if recovers else '-',
        seconds(of['recovery_s_max']) if recovers else '-',
        share(of['soon'], of['recoveries']),
        share(of['stayed'], of['recoveries']),
        seconds(of['recovery_work_s_max']) if recovers else '-',
    ]


def out_of_map_table(results: list[OutOfMapResult]) -> Table:
    """Return one row per kind of image, and one column per state of the tracker."""
    kinds = list(dict.fromkeys(kind for result in results for kind in result.shown))

    def cell(result: OutOfMapResult, kind: str) -> str:
        localized = sum(name.rsplit(' ', 1)[0] == kind for name in result.localized)
        return f'{localized}/{result.shown[kind]}'

    rows = [[kind, *(cell(result, kind) for result in results)] for kind in kinds]
    totals = [f'{len(r.localized)}/{sum(r.shown.values())}' for r in results]
    return Table(
        ['localized / shown', *(result.state for result in results)], [*rows, ['all', *totals]]
    )


NOTES = [
    'wrong: published, but more than 10 cm or 5 deg off the true pose, or the image does not show'
    ' the map (mirrored, elsewhere).',
    'recovery: from the first clean image after the fault to the first right pose, by stamps; with'
    ' --live, until that pose is available. work: time that the tracker worked meanwhile.',
    'stayed: from the recovery on, at least 90 % of the images have a pose, and all are right.',
]
"""How to read the tables."""
