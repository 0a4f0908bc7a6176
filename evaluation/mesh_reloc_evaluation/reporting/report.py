"""A report that is printed and written to a folder."""

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
    """Tables, printed and written as table.md, and all metrics as JSON."""

    def __init__(self, folder: Path, name: str) -> None:
        """Start a report with a description of the machine; `name` is that of the JSON file."""
        self.content: dict[str, Any] = {'machine': machine()}
        """What the JSON file will contain."""
        self.folder = folder
        self._name = name
        self._markdown: list[str] = []

    def add(self, title: str, table: Table | None = None, lines: list[str] | None = None) -> None:
        """Print a section, and keep it for table.md."""
        print(f'\n{title}')
        self._markdown.append(f'## {title}')
        if table is not None:
            print(f'\n{table.aligned()}')
            self._markdown.append(table.markdown())
        if lines:
            print('\n' + '\n'.join(lines), flush=True)
            self._markdown.append('\n'.join(f'- {line}' for line in lines))

    def write(self) -> None:
        """Write all sections and metrics so far.

        :raises OSError: a file cannot be written.
        """
        write_text_atomically(self.folder / 'table.md', '\n\n'.join(self._markdown) + '\n')
        write_text_atomically(self.folder / self._name, json.dumps(self.content, indent=1))


def check_writable(output: Path) -> None:
    """Create the folder; fail now rather than after minutes of work.

    :raises InputError: it cannot be written to.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=output):
            pass
    except OSError as error:
        raise InputError(f'output {output} cannot be written: {error}') from error
