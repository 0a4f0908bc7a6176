"""What of a recording could not be used: counted by reason, with the place of the first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_MOST_REASONS = 6
"""Reasons that are listed: a text may hold numbers that differ with each message."""


@dataclass
class Group:
    """Messages or files that were left out for one reason."""

    kind: str
    """What was left out, as `image`; `rest` for all from a place on."""
    reason: str
    where: str
    """The place of the first: a file's name, or seconds from the beginning."""
    count: int = 0

    def line(self) -> str:
        """Say it in a line."""
        if self.kind == 'rest':
            return f'nothing is read from {self.where} on: {self.reason}'
        if self.count == 1:
            return f'1 {self.kind} left out ({self.where}): {self.reason}'
        return f'{self.count} {self.kind}s left out (the first: {self.where}): {self.reason}'


class LeftOut:
    """Counts what is left out of a recording."""

    def __init__(self) -> None:
        """Begin with nothing left out."""
        self._groups: dict[tuple[str, str], Group] = {}

    def add(self, kind: str, where: str, reason: object) -> None:
        """Count a message or a file.

        :param kind: what it is, in the singular. :param where: its place in the recording.
        """
        key = kind, str(reason)
        self._groups.setdefault(key, Group(*key, where)).count += 1

    def clear(self) -> None:
        """Forget all, as a recording is read again."""
        self._groups.clear()

    def count(self, kind: str) -> int:
        """Return the number of a kind that was left out."""
        return sum(group.count for group in self._groups.values() if group.kind == kind)

    @property
    def first_reason(self) -> str:
        """Why the first was left out; '' if none was."""
        return next((group.reason for group in self._groups.values()), '')

    def lines(self) -> list[str]:
        """Say what was left out and why, the most frequent first."""
        groups = sorted(self._groups.values(), key=lambda group: -group.count)
        lines = [group.line() for group in groups[:_MOST_REASONS]]
        rest = sum(group.count for group in groups[_MOST_REASONS:])
        return [*lines, f'{rest} more left out for other reasons'] if rest else lines

    def as_json(self) -> list[dict[str, Any]]:
        """Return the groups for a report."""
        return [vars(group) for group in self._groups.values()]
