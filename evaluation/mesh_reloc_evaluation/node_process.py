"""`mesh_reloc_node` as a subprocess, with its log."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

# Only ends a hang: longer than the node takes to start or end on a machine that is ten times as
# busy, with nothing compiled yet.
_TIMEOUT_S = 600.0


class NodeError(Exception):
    """The node did not do what it should. The message is one line."""


class NodeProcess:
    """A running node; a context manager that stops it at the latest on exit."""

    def __init__(
        self,
        *ros_args: str,
        environment: dict[str, str] | None = None,
        log: Path | None = None,
    ) -> None:
        """Start the node.

        :param ros_args: arguments after `--ros-args`.
        :param environment: variables to set in addition to those of this process.
        :param log: file that all output is written to.
        """
        self._process = subprocess.Popen(
            [sys.executable, '-m', 'mesh_reloc_ros.ros.main', '--ros-args', *ros_args],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors='replace',
            env=os.environ | {'PYTHONUNBUFFERED': '1'} | (environment or {}),
            # Ctrl-C in the terminal is for this process, which then stops the node.
            start_new_session=True,
        )
        self.lines: list[str] = []
        """All output so far."""
        self._reader = threading.Thread(target=self._read, args=(log,), daemon=True)
        self._reader.start()

    def __enter__(self) -> NodeProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.end(signal.SIGINT)
        except subprocess.TimeoutExpired:
            self.kill()

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def wait_for_line(self, *texts: str, after: int = 0) -> str:
        """Return the first line, from number `after` on, that contains all texts.

        :raises NodeError: the node ends without it, or it takes too long.
        """
        deadline = time.monotonic() + _TIMEOUT_S
        while time.monotonic() < deadline:
            has_ended = self._process.poll() is not None
            if has_ended:
                self._reader.join(_TIMEOUT_S)
            for line in self.lines[after:]:
                if all(text in line for text in texts):
                    return line
            if has_ended:
                break
            time.sleep(0.05)
        raise NodeError(f'no line with {texts} in:\n' + ''.join(self.lines))

    def count(self, text: str) -> int:
        """Return the number of lines with a text."""
        return sum(text in line for line in self.lines)

    def last_lines(self, count: int = 15) -> str:
        """Return the end of the output."""
        return ''.join(self.lines[-count:])

    def check(self) -> None:
        """Check that the node runs.

        :raises NodeError: it has ended.
        """
        status = self._process.poll()
        if status is not None:
            self._reader.join(_TIMEOUT_S)
            raise NodeError(f'the node ended on its own with status {status}')

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if the node runs."""
        if self._process.poll() is None:
            self._process.send_signal(number)

    def end(self, number: signal.Signals | None = None, timeout_s: float = _TIMEOUT_S) -> int:
        """Send a signal, if any, wait for the end, and return the exit status.

        :raises subprocess.TimeoutExpired: the node does not end in time.
        """
        if number is not None:
            self.send(number)
        status = self._process.wait(timeout_s)
        self._reader.join(timeout_s)
        return status

    def stop(self, timeout_s: float = _TIMEOUT_S) -> None:
        """Stop the node as Ctrl-C does.

        :raises NodeError: it had ended before, does not end, or its exit status is not 0.
        """
        self.check()
        try:
            status = self.end(signal.SIGINT, timeout_s)
        except subprocess.TimeoutExpired as error:
            raise NodeError(f'the node was still running {timeout_s:.0f} s after SIGINT') from error
        if status != 0:
            raise NodeError(f'the node ended with status {status} on SIGINT instead of 0')

    def kill(self) -> None:
        """End the node at once."""
        self._process.kill()
        self._process.wait()

    def _read(self, log: Path | None) -> None:
        assert self._process.stdout is not None
        with (log or Path(os.devnull)).open('w') as file:
            for line in self._process.stdout:
                self.lines.append(line)
                file.write(line)
                file.flush()


def write_parameters(path: Path, parameters: dict[str, Any]) -> Path:
    """Write a ROS 2 parameter file for any node, and return its path."""
    path.write_text(yaml.safe_dump({'/**': {'ros__parameters': parameters}}))
    return path
