"""The node as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from mesh_reloc_evaluation.demo.error import DemoError

_STOP_TIMEOUT_S = 20.0


class NodeProcess:
    """Runs from entering the context to `stop`, or to leaving the context at the latest."""

    def __init__(
        self, parameters: dict[str, Any], remappings: dict[str, str], folder: Path
    ) -> None:
        """Prepare the process.

        :param folder: where its parameters (node.yaml) and its log (node.log) are left.
        """
        self.log = folder / 'node.log'
        parameter_file = folder / 'node.yaml'
        parameter_file.write_text(yaml.safe_dump({'/**': {'ros__parameters': parameters}}))
        self._command = [sys.executable, '-m', 'mesh_reloc_ros.ros.main', '--ros-args']
        self._command += ['--params-file', str(parameter_file)]
        for name, topic in remappings.items():
            self._command += ['--remap', f'{name}:={topic}']
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> NodeProcess:
        with self.log.open('wb') as log:
            self._process = subprocess.Popen(
                self._command,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, 'PYTHONUNBUFFERED': '1'},
                # A Ctrl-C in the terminal is the demo's to handle: it stops the node itself.
                start_new_session=True,
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def check(self) -> None:
        """See that the node runs.

        :raises DemoError: it has ended.
        """
        assert self._process is not None
        status = self._process.poll()
        if status is not None:
            raise DemoError(f'the node ended by itself with status {status}')

    def stop(self) -> None:
        """End the node as Ctrl-C does.

        :raises DemoError: it had ended before, does not end, or ends with a status other than 0.
        """
        self.check()
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        try:
            status = self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            raise DemoError(
                f'the node was still running {_STOP_TIMEOUT_S:.0f} s after SIGINT'
            ) from error
        if status != 0:
            raise DemoError(f'the node ended with status {status} on SIGINT, and 0 is right')

    def last_lines(self, count: int = 15) -> str:
        """Return the end of the node's log."""
        return '\n'.join(self.log.read_text(errors='replace').splitlines()[-count:])
