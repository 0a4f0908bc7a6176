"""The tables of a stress run."""

from __future__ import annotations

from mesh_reloc_evaluation.reporting.table import Table
from mesh_reloc_evaluation.stress.judge import Outcome
from mesh_reloc_evaluation.stress.metrics import by_strength, figures_of, seconds, share
from mesh_reloc_evaluation.stress.out_of_map_run import ForeignResult


def faults_table(outcomes: list[Outcome]) -> Table:
    """Return a row for each fault and strength."""
    return Table(
        [
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
        ],
        [
            _row(fault, strength, group)
            for (fault, strength), group in by_strength(outcomes).items()
        ],
    )


def _row(fault: str, strength: str, group: list[Outcome]) -> list[str]:
    of = figures_of(group)
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


def foreign_table(results: list[ForeignResult]) -> Table:
    """Return a row for each kind of image; columns for the tracker's states."""
    kinds = list(dict.fromkeys(kind for result in results for kind in result.shown))

    def cell(result: ForeignResult, kind: str) -> str:
        localized = sum(name.rsplit(' ', 1)[0] == kind for name in result.localized)
        return f'{localized}/{result.shown[kind]}'

    rows = [[kind, *(cell(result, kind) for result in results)] for kind in kinds]
    totals = [f'{len(r.localized)}/{sum(r.shown.values())}' for r in results]
    return Table(
        ['localized / shown', *(result.state for result in results)], [*rows, ['all', *totals]]
    )


NOTES = [
    'wrong: published, and more than 10 cm or 5 deg off the place where the image shown was taken,'
    ' or of an image that shows no such place (mirrored, elsewhere).',
    'recovery: from the first clean image after the fault to the first one with a right pose, by'
    ' stamps, as every image is waited for; with --live, until that pose is there. work: the time'
    ' that the tracker worked meanwhile.',
    'stayed: after the recovery, at least 90 % of the images have a pose, and all are right.',
]
"""What the reader of the tables should know."""
