"""What is found in a file: facts, notes of what is unusual, and problems that prevent its use."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any


class Level(Enum):
    """How much a finding matters."""

    FACT = 'fact'
    NOTE = 'note'
    """Unusual, or to be known; the text says what to do."""
    PROBLEM = 'problem'
    """Prevents the use."""


@dataclass(frozen=True)
class Finding:
    """One line."""

    name: str
    """What it is about, in a word or two."""
    text: str
    level: Level = Level.FACT


@dataclass(frozen=True)
class Company:
    """What is inspected together: recordings are compared with the calibrations."""

    meshes: Sequence[Path] = ()
    cameras: Sequence[Path] = ()

    def command(self, *recording: str | Path) -> str:
        """Return the command that tracks a recording, given by its options, for a shell."""
        mesh = self.meshes[0] if self.meshes else 'MESH'
        words = ('mesh_reloc', 'track', '--mesh', mesh, *recording, '--output', 'poses.tum')
        return shlex.join(map(str, words))


@dataclass
class Findings:
    """All that is found in one file or folder."""

    path: str
    kind: str
    """`mesh`, `bag`, `video`, `images`, `camera`, or `file` if it is none of these."""
    lines: list[Finding] = field(default_factory=list)
    numbers: dict[str, Any] = field(default_factory=dict)
    """The figures in the lines, for programs."""

    @property
    def is_usable(self) -> bool:
        """Whether there is no problem."""
        return all(line.level is not Level.PROBLEM for line in self.lines)

    def fact(self, name: str, text: str, **numbers: Any) -> None:
        """Add a fact, and its figures."""
        self.lines.append(Finding(name, text))
        self.numbers |= numbers

    def note(self, name: str, text: str) -> None:
        """Add what is unusual, with the remedy."""
        self.lines.append(Finding(name, text, Level.NOTE))

    def problem(self, name: str, text: object) -> None:
        """Add what prevents the use, with the remedy."""
        self.lines.append(Finding(name, str(text), Level.PROBLEM))

    def as_json(self) -> dict[str, Any]:
        """Return all of it for programs."""
        return {
            'path': self.path,
            'kind': self.kind,
            'usable': self.is_usable,
            'findings': [
                {'name': line.name, 'text': line.text, 'level': line.level.value}
                for line in self.lines
            ],
            'numbers': self.numbers,
        }
