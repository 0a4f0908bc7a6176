"""What is measured: meshes as they are, cut, turned, and as places of a site."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mesh_reloc_evaluation.bench.from_nothing.cut import (
    cut_to_share,
    median_coverage,
    textured_point,
)
from mesh_reloc_evaluation.bench.from_nothing.scenes import Place
from mesh_reloc_evaluation.mesh_surgery import joined, moved, turned
from mesh_reloc_evaluation.posed_sequence import PosedSequence
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh

COVERAGES = (0.38, 0.19, 0.07, 0.03)
TURNED = (1.0, 0.5, 0.2)
# The places of a site lie on a circle: up to nine of them are 50 to 150 m apart.
_SITE_DIAMETER_M = 150.0
# The second copy of a site is this far above the first, where nothing else is.
TWIN_OFFSET_M = (0.0, 0.0, 100.0)


@dataclass(frozen=True)
class Case:
    """A mesh, and the places in it whose images are to be found."""

    name: str
    mesh: TexturedMesh
    places: Sequence[Place]
    is_ambiguous: bool = False
    """Whether the mesh has every place twice, so that nothing may be found."""


def chosen_cases(places: Sequence[Place], kinds: Sequence[str], images: int) -> Iterator[Case]:
    """Yield the cases of some kinds.

    :param images: number of images that tell how much of the image a cut mesh covers.
    """
    for kind in kinds:
        yield from CASES[kind](places, images)


def spread(sequence: PosedSequence, count: int) -> PosedSequence:
    """Return up to `count` images, evenly spread over a sequence, the first among them."""
    step = -(-len(sequence) // count)
    return PosedSequence(sequence.frames[::step], sequence.poses[::step])


def site(places: Sequence[Place]) -> tuple[TexturedMesh, list[Place]]:
    """Return one mesh with all places, 50 to 150 m apart, and the places where they are in it."""
    angles = 2 * np.pi * np.arange(len(places)) / len(places)
    on_circle = np.stack((np.cos(angles), np.sin(angles), np.zeros(len(places))), axis=1)
    set_out = [
        place.moved(_SITE_DIAMETER_M / 2 * at - place.middle)
        for place, at in zip(places, on_circle, strict=True)
    ]
    return joined([place.mesh for place in set_out]), set_out


def _recordings(places: Sequence[Place], images: int) -> Iterator[Case]:
    del images
    for place in places:
        yield Case('', place.mesh, [place])


def _cut(places: Sequence[Place], images: int) -> Iterator[Case]:
    for place in places:
        some = spread(place.sequence, images)
        centre = textured_point(place.mesh, some)
        for share in COVERAGES:
            # A mesh that covers less than that as it is cannot be cut to it.
            if median_coverage(place.mesh, some) > share:
                part = dataclasses.replace(
                    place, mesh=cut_to_share(place.mesh, centre, some, share)
                )
                yield Case(f'cut to {share:.0%}', part.mesh, [part])


def _turned(places: Sequence[Place], images: int) -> Iterator[Case]:
    del images
    for place in places:
        for share in TURNED:
            yield Case(f'{share:.0%} of faces turned', turned(place.mesh, share), [place])


def _site(places: Sequence[Place], images: int) -> Iterator[Case]:
    del images
    yield Case('in the site', *site(places))


def _twice(places: Sequence[Place], images: int) -> Iterator[Case]:
    del images
    mesh, set_out = site(places)
    twins = joined([mesh, moved(mesh, np.array(TWIN_OFFSET_M))])
    yield Case('in the site twice', twins, set_out, is_ambiguous=True)


CASES: dict[str, Callable[[Sequence[Place], int], Iterator[Case]]] = {
    'recording': _recordings,
    'cut': _cut,
    'turned': _turned,
    'site': _site,
    'twice': _twice,
}
"""In the order in which they run."""
