"""How long the graphs of a scene take on the GPU, by CUDA events."""

from __future__ import annotations

import numpy as np
import torch

from mesh_reloc_ros.graphs import Repeater


def graph_times_ms(repeater: Repeater, repeats: int) -> dict[str, float]:
    """Return the median time of each kind of graph that was captured, after some untimed runs."""
    times: dict[str, list[float]] = {}
    for name, replay in repeater.captured():
        with repeater.on_stream():
            for _ in range(repeats // 10):
                replay()
            for _ in range(repeats):
                begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
                begin.record()
                replay()
                end.record()
                end.synchronize()
                times.setdefault(name, []).append(begin.elapsed_time(end))
    return {name: float(np.median(values)) for name, values in times.items()}
