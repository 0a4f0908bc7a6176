"""The stress suite from end to end: read, show the tracker faults, sum up, print, write."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from mesh_reloc_evaluation.out_of_map.images import Foreign, is_same, sample_room
from mesh_reloc_evaluation.painted_room.film import FilmSettings
from mesh_reloc_evaluation.painted_room.sample import make_sample
from mesh_reloc_evaluation.reporting.machine import machine_line
from mesh_reloc_evaluation.reporting.report import Report, check_writable
from mesh_reloc_evaluation.stress.cases import Case, make_cases
from mesh_reloc_evaluation.stress.contact_sheet import draw_sheet, example_of
from mesh_reloc_evaluation.stress.footage import Array, Footage, Image, read_footage
from mesh_reloc_evaluation.stress.judge import (
    MakeTracker,
    Outcome,
    TracksImages,
    one_by_one,
    run_case,
)
from mesh_reloc_evaluation.stress.metrics import by_strength, figures_of, lines, summary_of, worst
from mesh_reloc_evaluation.stress.out_of_map_run import ForeignResult, numbered, run_foreign
from mesh_reloc_evaluation.stress.plot import draw_stress
from mesh_reloc_evaluation.stress.realtime import WallClock, at_their_rate
from mesh_reloc_evaluation.stress.tables import NOTES, faults_table, foreign_table
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.process import use_one_core_per_operation
from mesh_reloc_ros.progress import Progress, progress_bar, show_progress
from mesh_reloc_ros.recordings.bag import ImageBag
from mesh_reloc_ros.relocalize.relocalizer import Relocalizer, make_relocalizer
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.track.search import Search
from mesh_reloc_ros.track.tracker import Tracker
from mesh_reloc_ros.track.warm_up import warm_up
from mesh_reloc_ros.types.camera import Camera

_FOREIGN, _FOREIGN_QUICK = 200, 24
_SCENES = 6
# Of the foreign images.
_SHEET = 48


def tracker_maker(
    scene: Scene, settings: Settings, relocalizer: Relocalizer | None, *, live: bool = False
) -> MakeTracker:
    """Return what makes a tracker in the scene, at a pose or (None) from nothing.

    :param live: search beside the tracking; else at once, so that every run is alike.
    """

    def make(start: Array | None) -> TracksImages:
        search = Search(relocalizer, background=live) if relocalizer is not None else None
        tracker = Tracker(scene, settings, search)
        if start is not None:
            tracker.start_at(start)
        return tracker

    return make


def run_stress(arguments: argparse.Namespace, settings: Settings) -> int:
    """Run the suite and return the exit status: 1 if a wrong pose was published, else 0.

    :raises InputError: an argument, the mesh, the bag, the truth or the output is unusable.
    """
    output: Path = arguments.output
    count = _foreign_count(arguments)
    if arguments.moments < 1:
        raise InputError(f'--moments {arguments.moments}: give 1 or more')
    check_writable(output)
    use_one_core_per_operation()
    try:
        if arguments.mesh is None:
            _use_sample(arguments)
        print(f'decoding the images of {arguments.bag}', flush=True)
        footage = read_footage(arguments)
        make_cases(footage, arguments.faults, arguments.moments)
        print(f'loading {arguments.mesh}', flush=True)
        progress = show_progress(sys.stdout)
        scene = Scene.load(arguments.mesh, settings.device, settings.rasterizer, progress)
        foreign = _foreign(arguments, settings, scene, footage)
        footage = replace(footage, elsewhere=foreign.scenes(_SCENES))
        relocalizer = _relocalizer(arguments.mesh, settings, scene, footage.camera, progress)
        report = Report(output, 'stress.json')
        outcomes = _run_cases(report, arguments, scene, settings, footage, relocalizer)
        report.write()  # what there is by now, as the rest takes minutes
        maker = tracker_maker(scene, settings, relocalizer)
        states = ('starting', 'tracking', 'lost')[relocalizer is None :]
        results = [_run_foreign(state, foreign, count, footage, maker) for state in states if count]
        if results:
            _report_foreign(report, foreign, results)
        report.write()
    except OSError as error:
        raise InputError(f'output {output} cannot be written: {error}') from error
    print(f'\nFigures and pictures are in {output}')
    return _verdict(outcomes, results)


def _relocalizer(
    mesh: Path, settings: Settings, scene: Scene, camera: Camera, progress: Progress
) -> Relocalizer | None:
    """Return a relocalizer that is prepared for a camera; None where it is not enabled."""
    if not settings.relocalization.enabled:
        return None
    relocalizer = make_relocalizer(
        scene, settings.relocalization, settings.alignment, mesh, progress=progress
    )
    relocalizer.prepare(camera)
    return relocalizer


def _foreign_count(arguments: argparse.Namespace) -> int:
    count = arguments.foreign
    if count is None:
        usual = _FOREIGN_QUICK if arguments.quick else _FOREIGN
        return 0 if arguments.faults else usual
    if count < 0:
        raise InputError(f'--foreign {count}: give 0 or more')
    return int(count)


def _use_sample(arguments: argparse.Namespace) -> None:
    sample = make_sample(arguments.output / 'sample', FilmSettings())
    arguments.mesh, arguments.bag = sample.mesh, sample.bag
    arguments.ground_truth = arguments.ground_truth or sample.truth


def _foreign(
    arguments: argparse.Namespace, settings: Settings, scene: Scene, footage: Footage
) -> Foreign:
    photographs: list[Image] = []
    if arguments.foreign_bag is not None:
        with ImageBag(arguments.foreign_bag) as bag:
            photographs = [frame.image for frame in bag.frames()]
    other = None
    if not arguments.quick:
        other = sample_room(arguments.output / 'other_room', settings.device, settings.rasterizer)
        if is_same(other.mesh, scene.mesh):
            other = None
    return Foreign(footage.camera, scene.mesh, other, photographs)


def _run_cases(
    report: Report,
    arguments: argparse.Namespace,
    scene: Scene,
    settings: Settings,
    footage: Footage,
    relocalizer: Relocalizer | None,
) -> list[Outcome]:
    cases = [
        case
        for case in make_cases(footage, arguments.faults, arguments.moments, quick=arguments.quick)
        if relocalizer is not None or not case.from_nothing
    ]
    maker = tracker_maker(scene, settings, relocalizer, live=arguments.live)
    show = at_their_rate(WallClock()) if arguments.live else one_by_one
    # Else the first case is late.
    warm_up(scene, settings)
    shown = progress_bar(cases, 'faults', sys.stdout, unit='case')
    outcomes = [run_case(case, maker, show) for case in shown]
    _report_cases(report, cases, outcomes)
    return outcomes


def _report_cases(report: Report, cases: list[Case], outcomes: list[Outcome]) -> None:
    summary = summary_of(outcomes)
    report.content['summary'] = summary
    report.content['faults'] = [
        {'fault': fault, 'strength': strength, **figures_of(group)}
        for (fault, strength), group in by_strength(outcomes).items()
    ]
    report.content['cases'] = [outcome.figures() for outcome in outcomes]
    machine = machine_line(report.content['machine'])
    report.add('Faults', faults_table(outcomes), [*lines(summary), *NOTES, machine])
    draw_stress(report.folder / 'stress.png', outcomes)
    examples = {(case.fault, case.strength): case for case in cases}
    draw_sheet(
        report.folder / 'faults.png',
        [(f'{case.fault} {case.strength}', example_of(case)) for case in examples.values()],
    )


def _run_foreign(
    state: str, foreign: Foreign, count: int, footage: Footage, maker: MakeTracker
) -> ForeignResult:
    images = progress_bar(numbered(foreign, count), f'foreign, {state}', sys.stdout, total=count)
    return run_foreign(state, images, footage, maker)


def _report_foreign(report: Report, foreign: Foreign, results: list[ForeignResult]) -> None:
    report.content['foreign'] = {result.state: result.figures() for result in results}
    report.add('Images of something else', foreign_table(results))
    count = min(sum(results[0].shown.values()), _SHEET)
    sheet = [foreign.image(number) for number in range(count)]
    draw_sheet(report.folder / 'foreign.png', sheet)


def _verdict(outcomes: list[Outcome], results: list[ForeignResult]) -> int:
    """Say in a line what was worst; return the exit status."""
    wrong = sum(outcome.wrong for outcome in outcomes)
    localized = [f'{name} ({r.state})' for r in results for name in r.localized]
    if wrong:
        case = worst(outcomes)
        print(f'{wrong} wrong poses were published; most, {case.wrong}, in --faults {case.name}')
    if localized:
        print(
            f'{len(localized)} images of something else were localized; the first: {localized[0]}'
        )
    return int(bool(wrong or localized))
