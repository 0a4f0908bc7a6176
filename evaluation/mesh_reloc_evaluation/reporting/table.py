"""Figures as tables: aligned to be printed, or in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """Cells as text; the first column is to the left, all others to the right."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def printed(self) -> str:
        """Return the table with its columns aligned."""
        lines = [self.header, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.header))]
        return '\n'.join(
            '  '.join(
                cell.ljust(width) if column == 0 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
            for line in lines
        )

    def markdown(self) -> str:
        """Return the table in Markdown."""
        rule = ['---', *['---:'] * (len(self.header) - 1)]
        return '\n'.join(f'| {" | ".join(line)} |' for line in (self.header, rule, *self.rows))
