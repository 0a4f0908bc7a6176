"""What the host does with an emulated GPU."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Counts:
    """What the host did with the GPU."""

    operations: int = 0
    """Kernels and copies that it started one by one."""
    graphs: int = 0
    """Graphs that it started."""
    synchronisations: int = 0
    """How often it waited for a result."""
    in_graphs: int = 0
    """Kernels and copies within graphs."""

    @property
    def launches(self) -> int:
        """All that the host started; a graph counts as one."""
        return self.operations + self.graphs


class Host:
    """The host of the emulation that runs."""

    def __init__(self) -> None:
        self.counts = Counts()
        self.in_graph = False

    def operation(self, count: int = 1) -> None:
        """Start kernels or copies."""
        if self.in_graph:
            self.counts.in_graphs += count
        else:
            self.counts.operations += count

    def read(self, what: str) -> None:
        """Wait for a result."""
        if self.in_graph:
            raise RuntimeError(f'{what}: a captured graph cannot be read by the host')
        self.counts.synchronisations += 1

    def sent(self, what: str) -> None:
        """Copy from main memory."""
        if self.in_graph:
            raise RuntimeError(f'{what}: a captured graph cannot copy from main memory')
        self.operation()


class _Running:
    """The emulation that runs."""

    host = Host()


running = _Running()
