"""A report: printed, and kept in a folder."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from mesh_reloc_evaluation.reporting.machine import machine
from mesh_reloc_evaluation.reporting.table import Table
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.files import write_text_atomically


class Report:
    """What is printed and kept: tables as table.md, and all figures as JSON."""

    def __init__(self, folder: Path, name: str) -> None:
        """Begin a report with the machine's figures; `name` is that of the JSON file."""
        self.content: dict[str, Any] = {'machine': machine()}
        self.folder = folder
        self._name = name
        self._markdown: list[str] = []

    def add(self, title: str, table: Table | None = None, lines: list[str] | None = None) -> None:
        """Print a part and keep it."""
        print(f'\n{title}')
        self._markdown.append(f'## {title}')
        if table is not None:
            print(f'\n{table.printed()}')
            self._markdown.append(table.markdown())
        if lines:
            print('\n' + '\n'.join(lines), flush=True)
            self._markdown.append('\n'.join(f'- {line}' for line in lines))

    def write(self) -> None:
        """Write what has been added."""
        write_text_atomically(self.folder / 'table.md', '\n\n'.join(self._markdown) + '\n')
        write_text_atomically(self.folder / self._name, json.dumps(self.content, indent=1))


def check_writable(output: Path) -> None:
    """Make the folder, and fail at once, not after minutes.

    :raises InputError: it cannot be written to.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=output):
            pass
    except OSError as error:
        raise InputError(f'output {output} cannot be written: {error}') from error
