"""The stress test: read the recording, run the cases, print, plot and write the metrics."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from mesh_reloc_evaluation.out_of_map.images import OutOfMapImages
from mesh_reloc_evaluation.out_of_map.patterns import Image
from mesh_reloc_evaluation.painted_room.film import FilmSettings
from mesh_reloc_evaluation.painted_room.sample import make_room, make_sample
from mesh_reloc_evaluation.posed_sequence import PosedSequence, read_posed_sequence
from mesh_reloc_evaluation.reporting.machine import machine_line
from mesh_reloc_evaluation.reporting.report import Report, check_writable
from mesh_reloc_evaluation.stress.case_result import CaseResult
from mesh_reloc_evaluation.stress.case_run import (
    ImageTracker,
    MakeTracker,
    one_by_one,
    run_case,
)
from mesh_reloc_evaluation.stress.cases import Case, make_cases
from mesh_reloc_evaluation.stress.catalogue import fault_catalogue
from mesh_reloc_evaluation.stress.contact_sheet import draw_contact_sheet, example_of
from mesh_reloc_evaluation.stress.metrics import (
    by_strength,
    summarize,
    summarize_all,
    summary_lines,
    worst,
)
from mesh_reloc_evaluation.stress.out_of_map_run import OutOfMapResult, run_out_of_map
from mesh_reloc_evaluation.stress.plot import draw_stress
from mesh_reloc_evaluation.stress.realtime import WallClock, realtime
from mesh_reloc_evaluation.stress.tables import NOTES, faults_table, out_of_map_table
from mesh_reloc_ros.cli.arguments import recording_name
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.pipeline import Pipeline
from mesh_reloc_ros.process import use_one_core_per_operation
from mesh_reloc_ros.progress import progress_bar, show_progress
from mesh_reloc_ros.recordings.bag import ImageBag
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array

_OUT_OF_MAP, _OUT_OF_MAP_QUICK = 200, 24
# Images of other places that the fault `elsewhere` shows.
_PLACES = 6
# Out-of-map images on the contact sheet.
_SHEET = 48
# With fewer images there is no before, during and after.
_FEWEST = 8


def tracker_maker(loaded: Pipeline, *, live: bool = False) -> MakeTracker:
    """Return a function that makes a pipeline with the parts of a loaded one.

    :param live: search on a second thread; otherwise within `track`, so that runs are repeatable.
    """

    def make(start: Array | None) -> ImageTracker:
        pipeline = Pipeline(
            loaded.scene, loaded.settings, loaded.relocalizer, background_search=live
        )
        if start is not None:
            pipeline.start_at(start)
        return pipeline

    return make


def run_stress(arguments: argparse.Namespace, settings: Settings) -> int:
    """Run the stress test and return the exit status: 1 if a wrong pose was published, else 0.

    :raises InputError: an argument, the mesh, the bag, the truth or the output is unusable.
    """
    output: Path = arguments.output
    count = _out_of_map_count(arguments)
    if arguments.moments < 1:
        raise InputError(f'--moments {arguments.moments}: give 1 or more')
    check_writable(output)
    use_one_core_per_operation()
    try:
        if arguments.mesh is None:
            _use_sample(arguments)
        print(f'decoding the images of {recording_name(arguments)}', flush=True)
        sequence = _read_sequence(arguments)
        make_cases(sequence, arguments.faults, arguments.moments)
        photographs = _photographs(arguments.out_of_map_bag)
        print(f'loading {arguments.mesh}', flush=True)
        loaded = Pipeline.load(arguments.mesh, settings, progress=show_progress(sys.stdout))
        loaded.prepare(sequence.camera)
        images = _out_of_map_images(arguments, loaded, sequence, photographs)
        report = Report(output, 'stress.json')
        results = _run_cases(report, arguments, loaded, sequence, images)
        report.write()  # the results so far, as the rest takes minutes
        states = ('starting', 'tracking', 'lost')[loaded.relocalizer is None :] if count else ()
        localized = [_run_state(state, images, count, loaded, sequence) for state in states]
        if localized:
            _report_out_of_map(report, images, localized)
        report.write()
    except OSError as error:
        raise InputError(f'output {output} cannot be written: {error}') from error
    print(f'\nMetrics and plots are in {output}')
    return _exit_status(results, localized)


def _out_of_map_count(arguments: argparse.Namespace) -> int:
    count = arguments.out_of_map
    if count is None:
        usual = _OUT_OF_MAP_QUICK if arguments.quick else _OUT_OF_MAP
        return 0 if arguments.faults else usual
    if count < 0:
        raise InputError(f'--out-of-map {count}: give 0 or more')
    return int(count)


def _use_sample(arguments: argparse.Namespace) -> None:
    sample = make_sample(arguments.output / 'sample', FilmSettings())
    arguments.mesh, arguments.bag = sample.mesh, sample.bag
    arguments.ground_truth = arguments.ground_truth or sample.truth


def _read_sequence(arguments: argparse.Namespace) -> PosedSequence:
    sequence = read_posed_sequence(arguments)
    if len(sequence) < _FEWEST:
        raise InputError(
            f'{len(sequence)} images of {recording_name(arguments)} have a true pose: at least'
            f' {_FEWEST} are needed'
        )
    return sequence


def _photographs(bag: Path | None) -> list[Image]:
    """Return the images of another place, if there is a recording of one."""
    if bag is None:
        return []
    with ImageBag(bag) as recording:
        return [frame.image for frame in recording.frames()]


def _out_of_map_images(
    arguments: argparse.Namespace,
    loaded: Pipeline,
    sequence: PosedSequence,
    photographs: list[Image],
) -> OutOfMapImages:
    scene, other = loaded.scene, None
    if not arguments.quick:
        settings = loaded.settings
        room = make_room(arguments.output / 'other_room')
        other = Scene.load(room, settings.device, settings.rasterizer)
        if _is_same(other.mesh, scene.mesh):
            other = None
    return OutOfMapImages(sequence.camera, scene.mesh, other, photographs)


def _is_same(a: TexturedMesh, b: TexturedMesh) -> bool:
    return a.vertices.shape == b.vertices.shape and bool(np.allclose(a.vertices, b.vertices))


def _run_cases(
    report: Report,
    arguments: argparse.Namespace,
    loaded: Pipeline,
    sequence: PosedSequence,
    images: OutOfMapImages,
) -> list[CaseResult]:
    chosen, moments, quick = arguments.faults, arguments.moments, arguments.quick
    faults = fault_catalogue(images.places(_PLACES), loaded.scene)
    cases = [
        case
        for case in make_cases(sequence, chosen, moments, quick=quick, faults=faults)
        if loaded.relocalizer is not None or not case.without_start
    ]
    maker = tracker_maker(loaded, live=arguments.live)
    run_images = realtime(WallClock()) if arguments.live else one_by_one
    loaded.warm_up()  # otherwise the first case is late
    shown = progress_bar(cases, 'faults', sys.stdout, unit='case')
    results = [run_case(case, maker, run_images) for case in shown]
    _report_cases(report, cases, results)
    return results


def _report_cases(report: Report, cases: list[Case], results: list[CaseResult]) -> None:
    summary = summarize_all(results)
    report.content['summary'] = summary
    report.content['faults'] = [
        {'fault': fault, 'strength': strength, **summarize(group)}
        for (fault, strength), group in by_strength(results).items()
    ]
    report.content['cases'] = [result.as_json() for result in results]
    machine = machine_line(report.content['machine'])
    report.add('Faults', faults_table(results), [*summary_lines(summary), *NOTES, machine])
    draw_stress(report.folder / 'stress.png', results)
    examples = {(case.fault, case.strength): case for case in cases}
    draw_contact_sheet(
        report.folder / 'faults.png',
        [(f'{case.fault} {case.strength}', example_of(case)) for case in examples.values()],
    )


def _run_state(
    state: str, images: OutOfMapImages, count: int, loaded: Pipeline, sequence: PosedSequence
) -> OutOfMapResult:
    shown = progress_bar(images.first(count), f'out of map, {state}', sys.stdout, total=count)
    return run_out_of_map(state, shown, sequence, tracker_maker(loaded))


def _report_out_of_map(
    report: Report, images: OutOfMapImages, results: list[OutOfMapResult]
) -> None:
    report.content['out_of_map'] = {result.state: result.as_json() for result in results}
    report.add('Images that do not show the map', out_of_map_table(results))
    count = min(sum(results[0].shown.values()), _SHEET)
    sheet = [(kind, image) for _, kind, image in images.first(count)]
    draw_contact_sheet(report.folder / 'out_of_map.png', sheet)


def _exit_status(results: list[CaseResult], out_of_map: list[OutOfMapResult]) -> int:
    """Print the worst results, one line each, and return the exit status."""
    wrong = sum(result.wrong for result in results)
    localized = [f'{name} ({r.state})' for r in out_of_map for name in r.localized]
    if wrong:
        case = worst(results)
        print(f'{wrong} wrong poses were published; most, {case.wrong}, in --faults {case.name}')
    if localized:
        print(f'{len(localized)} out-of-map images were localized; the first: {localized[0]}')
    return int(bool(wrong or localized))
