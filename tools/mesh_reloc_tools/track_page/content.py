"""What the page says below the mesh, as HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from mesh_reloc_ros.recordings.recording import Recording
from mesh_reloc_ros.types.estimate import PoseEstimate
from mesh_reloc_tools.track_page.pictures import Taken
from mesh_reloc_tools.track_page.track_data import STATE_COLOURS

# Steps between images that are farther apart are jumps, and no part of the way.
_JUMP_S = 1.0
_NAMES = ('image', 'render', 'difference')


def summary_of(estimates: Sequence[PoseEstimate]) -> str:
    """Return the result in a sentence."""
    trusted = sum(estimate.trusted for estimate in estimates)
    return (
        f'{trusted} of {len(estimates)} images have a trusted pose ({trusted / len(estimates):.1%})'
    )


def content_of(
    estimates: Sequence[PoseEstimate], recording: Recording, taken: Sequence[Taken]
) -> str:
    """Return charts, figures and pictures."""
    left_out = ''.join(f'<p class="note">{escape(line)}</p>' for line in recording.left_out.lines())
    return '\n'.join((_charts(), _figures(estimates), left_out, _pictures(taken, estimates)))


def _charts() -> str:
    dots = _key('#4cc38a', 'trusted') + _key('#e5484d', 'refused')
    states = ''.join(_key(colour, state.value) for state, colour in STATE_COLOURS.items())
    return (
        f'<h2>Score and state</h2><p class="note">dots: {dots}; strip below: {states}</p>'
        '<canvas class="chart" data-column="score" data-most="1"></canvas>'
        '<h2>Time per image, ms</h2><canvas class="chart" data-column="ms"></canvas>'
    )


def _key(colour: str, name: str) -> str:
    return f'<span class="key" style="background:{colour}"></span>{escape(name)}'


def _figures(estimates: Sequence[PoseEstimate]) -> str:
    refused = Counter(e.rejection.value for e in estimates if e.rejection is not None)
    reasons = [(name.replace('_', ' '), str(count)) for name, count in refused.most_common()]
    tables = [_table('The recording', _of_recording(estimates)), _table('Time', _times(estimates))]
    if reasons:
        tables.append(_table('Images without a trusted pose', reasons))
    return f'<h2>Figures</h2><div class="figures">{"".join(tables)}</div>'


def _of_recording(estimates: Sequence[PoseEstimate]) -> Iterable[tuple[str, str]]:
    trusted = [estimate for estimate in estimates if estimate.trusted]
    seconds = (estimates[-1].stamp_ns - estimates[0].stamp_ns) * 1e-9
    yield 'duration', f'{seconds:.1f} s'
    yield 'images', f'{len(estimates)}'
    yield 'with a trusted pose', f'{len(trusted)}'
    yield 'distance travelled', f'{_way(trusted):.2f} m'
    if trusted:
        yield 'score of trusted poses, median', f'{np.median([e.score for e in trusted]):.2f}'


def _way(trusted: Sequence[PoseEstimate]) -> float:
    """Return the distance travelled, in metres."""
    if len(trusted) < 2:
        return 0.0
    places = np.array([estimate.map_T_camera[:3, 3] for estimate in trusted])
    seconds = np.diff([estimate.stamp_ns for estimate in trusted]) * 1e-9
    steps = np.linalg.norm(np.diff(places, axis=0), axis=1)
    return float(steps[(seconds > 0) & (seconds < _JUMP_S)].sum())


def _times(estimates: Sequence[PoseEstimate]) -> Iterable[tuple[str, str]]:
    total = [estimate.stages_ms['total'] for estimate in estimates]
    yield 'per image, median', f'{np.median(total):.1f} ms'
    yield 'per image, 95th percentile', f'{np.percentile(total, 95):.1f} ms'
    yield 'longest', f'{max(total):.0f} ms'


def _table(caption: str, rows: Iterable[tuple[str, str]]) -> str:
    cells = ''.join(f'<tr><td>{escape(a)}</td><td>{escape(b)}</td></tr>' for a, b in rows)
    return f'<table><caption>{escape(caption)}</caption>{cells}</table>'


def _pictures(taken: Sequence[Taken], estimates: Sequence[PoseEstimate]) -> str:
    figures = ''.join(_figure(one, estimates[0].stamp_ns) for one in taken)
    return (
        '<h2>Images</h2><p class="note">Image, the mesh from the pose that was found, and their'
        ' difference: the first image with a trusted pose, and images where refusals begin.</p>'
        + figures
    )


def _figure(taken: Taken, begin_ns: int) -> str:
    estimate = taken.estimate
    verdict = 'trusted' if estimate.trusted else f'refused: {estimate.reason}'
    at = (estimate.stamp_ns - begin_ns) * 1e-9
    text = f'{at:.2f} s, {estimate.state.value}, score {estimate.score:.2f}; {verdict}'
    images = ''.join(
        f'<img src="{file}" alt="{name}" title="{name}">'
        for name, file in zip(_NAMES, taken.files, strict=False)
    )
    return f'<figure><figcaption>{escape(text)}</figcaption><div>{images}</div></figure>'
