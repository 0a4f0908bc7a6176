"""Work that is repeated on a GPU, captured as a graph that the host starts as a whole.

A graph is captured with fixed shapes, and the host cannot look at a value within it. Work that
depends on values calls `decide`: outside of graphs the host looks; a graph repeats what was decided
before, and returns the values along with its results, so that the host can tell whether that still
holds.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros import device
from mesh_reloc_ros.device import joined, parts, to_host

Key = tuple[Hashable, ...]
"""What work depends on beside its inputs; the first part is its kind."""
Work = Callable[..., tuple[Any, list[Tensor]]]
"""From tensors on the device to a description and float32 tensors there. The description and the
shapes depend on decisions only."""

_log = logging.getLogger(__name__)

# Graphs that are kept; each holds the memory of its work.
_MOST_GRAPHS = 8


class _Decision(NamedTuple):
    choice: int
    holds: Callable[[float], bool]


class _Decisions:
    """Decisions of one piece of work, in order."""

    def __init__(self, made: Sequence[_Decision] | None = None) -> None:
        self.made = [] if made is None else list(made)
        self._to_repeat = None if made is None else iter(self.made)
        self.values: list[Tensor] = []
        self.kept: list[Tensor] = []

    def decide(
        self, value: Tensor, rule: Callable[[float], int], fits: Callable[[int, float], bool] | None
    ) -> int:
        if self._to_repeat is not None:
            self.values.append(value)
            return next(self._to_repeat).choice
        choice = rule(float(value))

        def holds(now: float) -> bool:
            return rule(now) == choice if fits is None else fits(choice, now)

        self.made.append(_Decision(choice, holds))
        return choice


_decisions: ContextVar[_Decisions | None] = ContextVar('decisions', default=None)


@contextmanager
def _recorded(decisions: _Decisions) -> Iterator[None]:
    token = _decisions.set(decisions)
    try:
        yield
    finally:
        _decisions.reset(token)


def decide(
    value: Tensor,
    rule: Callable[[float], int],
    fits: Callable[[int, float], bool] | None = None,
) -> int:
    """Return what a rule chooses for a value on the device.

    :param fits: whether an earlier choice still serves for another value; by default, only if it
        is what the rule would choose.
    """
    decisions = _decisions.get()
    return rule(float(value)) if decisions is None else decisions.decide(value, rule, fits)


def is_repeating() -> bool:
    """Whether this is within work that may become a graph."""
    return _decisions.get() is not None


def kept(tensor: Tensor) -> Tensor:
    """Return a tensor that was not made by the work itself: a graph that uses it keeps it."""
    decisions = _decisions.get()
    if decisions is not None:
        decisions.kept.append(tensor)
    return tensor


class Results(NamedTuple):
    """What work returned."""

    description: Any
    arrays: list[NDArray[np.float32]]
    """In main memory."""
    packed: Tensor | None
    """The same on the device, one after the other; None if work was done on the CPU."""


class _Graph:
    """Work captured with the decisions of an earlier run."""

    def __init__(
        self, work: Work, inputs: Sequence[Tensor], made: Sequence[_Decision], to: torch.device
    ) -> None:
        self._inputs = [tensor.to(to, copy=True) for tensor in inputs]
        self._made = made
        self._description: Any = None
        self._shapes: list[torch.Size] = []
        self._kept: list[Tensor] = []

        def packed() -> Tensor:
            decisions = _Decisions(made)
            with _recorded(decisions):
                self._description, results = work(*self._inputs)
            self._shapes, self._kept = [result.shape for result in results], decisions.kept
            values = [value.to(torch.float32).reshape(1) for value in decisions.values]
            return joined([*results, *values])

        self.replay, self._packed = device.runtime.capture(packed)

    def run(self, inputs: Sequence[Tensor], keep: bool) -> Results | None:
        """Return the results; None if the decisions do not hold."""
        for own, given in zip(self._inputs, inputs, strict=True):
            own.copy_(given, non_blocking=True)
        self.replay()
        packed = self._packed.clone() if keep else None
        host = self._packed.cpu().numpy()
        values = host[len(host) - len(self._made) :]
        if not all(d.holds(float(v)) for d, v in zip(self._made, values, strict=True)):
            return None
        return Results(self._description, parts(host, self._shapes), packed)


class Repeater:
    """Does work on a device: at first as it is, as a graph when it is repeated. For any thread."""

    def __init__(self, on: torch.device, *, can_capture: bool = True) -> None:
        """Make one for a device.

        :param can_capture: False if parts of the work are done on the CPU.
        """
        self._device = on
        self._can_capture = can_capture
        self._lock = threading.Lock()
        self._made: OrderedDict[Key, list[_Decision]] = OrderedDict()
        self._graphs: OrderedDict[Key, _Graph] = OrderedDict()
        self._stream: Any = None

    def run(self, key: Key, work: Work, inputs: Sequence[Tensor], *, keep: bool = False) -> Results:
        """Return what work returns for inputs, with one transfer to main memory.

        :param key: tells which work and which shapes; what the work depends on beside the inputs.
        :param keep: whether the results are needed on the device, too.
        """
        if self._device.type == 'cpu':
            description, tensors = work(*inputs)
            return Results(description, to_host(tensors), None)
        with self._lock:
            if self._stream is None:
                self._stream = device.runtime.stream()
            with self.on_stream():
                return self._repeated(key, work, inputs, keep)

    def captured(self) -> list[tuple[str, Callable[[], None]]]:
        """Return the kind of each graph, the first part of its key, and what repeats it."""
        with self._lock:
            return [(str(key[0]), graph.replay) for key, graph in self._graphs.items()]

    def on_stream(self) -> AbstractContextManager[Any]:
        """Return a context in which work goes to the stream of the graphs."""
        return device.runtime.on(self._stream)

    def _captured(
        self, key: Key, work: Work, inputs: Sequence[Tensor], made: Sequence[_Decision]
    ) -> _Graph | None:
        try:
            graph = self._graphs[key] = _Graph(work, inputs, made, self._device)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            self._can_capture = False
            _log.warning(
                'work on the GPU is not captured as a graph, so it is slower: %s', first_line(error)
            )
            return None
        return graph

    def _repeated(self, key: Key, work: Work, inputs: Sequence[Tensor], keep: bool) -> Results:
        graph, made = self._graphs.get(key), self._made.get(key)
        if graph is None and made is not None and self._can_capture:
            graph = self._captured(key, work, inputs, made)
        if graph is not None:
            self._graphs.move_to_end(key)
            results = graph.run(inputs, keep)
            if results is not None:
                return results
            del self._graphs[key]
        decisions = _Decisions()
        with _recorded(decisions):
            description, tensors = work(*(tensor.to(self._device) for tensor in inputs))
        self._made[key] = decisions.made
        for kept_here in (self._made, self._graphs):
            while len(kept_here) > _MOST_GRAPHS:
                kept_here.popitem(last=False)
        packed = joined(tensors)
        arrays = parts(packed.cpu().numpy(), [tensor.shape for tensor in tensors])
        return Results(description, arrays, packed if keep else None)


Result = TypeVar('Result')


class Offload:
    """Work that the CPU does as well, done on a GPU as long as that works. For any thread."""

    def __init__(self, on: torch.device, what: str) -> None:
        """Make one for a device.

        :param what: the work, for the log.
        """
        self.repeater = Repeater(on)
        self.is_faster = False
        """Than the CPU; to be found out."""
        self.has_failed = False
        self.verdict = ''
        """What was found out, for the log."""
        self._what = what

    def attempt(self, work: Callable[[], Result]) -> Result | None:
        """Return what the work returns; None if the GPU cannot do it, now and from now on."""
        if self.has_failed:
            return None
        try:
            return work()
        except (ImportError, OSError, RuntimeError) as error:
            self.has_failed, self.verdict = True, first_line(error)
            _log.warning('%s is done on the CPU from now on: %s', self._what, first_line(error))
            return None


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text: those of CUDA are long."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
