"""Results of a case, image by image, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mesh_reloc_evaluation.stress.stress_image import Phase

SOON_S = 1.0
"""A recovery counts as fast within this time."""
# Share of the images after the recovery that must have a pose, for the recovery to be stable.
_STABLE_SHARE = 0.9


@dataclass(frozen=True)
class ImageResult:
    """The tracker's answer to one image, compared with the truth."""

    phase: Phase
    stamp_ns: int
    state: str
    trusted: bool
    wrong: bool
    """Trusted, but too far off, or the image does not show the map."""
    error_m: float | None
    error_deg: float | None
    """Of a trusted pose, if there is a true one."""
    work_s: float
    """Wall time or processor time of the answer, whichever is less, so that other load on the
    machine does not count."""
    late_s: float = 0.0
    """Time from the arrival of the image to the answer, if images arrive in real time."""
    missed: bool = False
    """Whether a newer image arrived before this one was processed."""


@dataclass(frozen=True)
class CaseResult:
    """The results of all images of a case."""

    fault: str
    strength: str
    name: str
    without_start: bool
    images: list[ImageResult]

    def of(self, *phases: Phase) -> list[ImageResult]:
        """Return the results in some phases."""
        return [image for image in self.images if image.phase in phases]

    @property
    def wrong(self) -> int:
        """The number of wrong poses published."""
        return sum(image.wrong for image in self.images)

    @property
    def recovery(self) -> int | None:
        """Index, after the fault, of the first image with a right pose; None without recovery."""
        rights = [image.trusted and not image.wrong for image in self.of(Phase.AFTER)]
        return rights.index(True) if True in rights else None

    @property
    def recovery_s(self) -> float | None:
        """Time from the first clean image after the fault to the first right pose.

        By stamps; in real time, until that pose is available.
        """
        after, index = self.of(Phase.AFTER), self.recovery
        if index is None:
            return None
        return (after[index].stamp_ns - after[0].stamp_ns) / 1e9 + after[index].late_s

    @property
    def recovery_work_s(self) -> float | None:
        """Time that the tracker worked from the end of the fault to the first right pose."""
        index = self.recovery
        if index is None:
            return None
        return sum(image.work_s for image in self.of(Phase.AFTER)[: index + 1])

    @property
    def has_recovery(self) -> bool:
        """Whether the case has images after the fault."""
        return bool(self.of(Phase.AFTER))

    @property
    def soon(self) -> bool:
        """Whether it recovered within a second."""
        return self.recovery_s is not None and self.recovery_s <= SOON_S

    @property
    def soon_live(self) -> bool:
        """Whether it also recovered within a second of work."""
        return self.soon and self.recovery_work_s is not None and self.recovery_work_s <= SOON_S

    @property
    def stayed(self) -> bool:
        """Whether the recovery was stable: nearly all images had a pose from then on, all right."""
        if self.recovery is None:
            return False
        rest = self.of(Phase.AFTER)[self.recovery :]
        published = sum(image.trusted for image in rest)
        return published >= _STABLE_SHARE * len(rest) and not any(image.wrong for image in rest)

    @property
    def trace(self) -> str:
        """One character per image: `+` right, `X` wrong, `.` not published, `-` missed.

        `|` separates phases.
        """
        signs = []
        for number, image in enumerate(self.images):
            if number and image.phase is not self.images[number - 1].phase:
                signs.append('|')
            signs.append(
                'X' if image.wrong else '+' if image.trusted else '-' if image.missed else '.'
            )
        return ''.join(signs)

    def as_json(self) -> dict[str, Any]:
        """Return what is written about a case."""
        phases = {phase.value: self.of(phase) for phase in Phase}
        return {
            'name': self.name,
            'fault': self.fault,
            'strength': self.strength,
            'images': {name: len(images) for name, images in phases.items()},
            'published': {
                name: sum(image.trusted for image in images) for name, images in phases.items()
            },
            'wrong': self.wrong,
            'max_cm': _largest([image.error_m for image in self.images], 100.0),
            'max_deg': _largest([image.error_deg for image in self.images]),
            'recovery_s': self.recovery_s,
            'recovery_work_s': self.recovery_work_s,
            'stayed': self.stayed if self.has_recovery else None,
            'missed': sum(image.missed for image in self.images),
            'trace': self.trace,
            'states': ''.join(image.state[:1] or '-' for image in self.images),
            'work_s': sum(image.work_s for image in self.images),
        }


def _largest(values: list[float | None], factor: float = 1.0) -> float | None:
    known = [factor * value for value in values if value is not None]
    return max(known) if known else None
