"""Tracking over time: predict, align, validate, update; search if the camera is lost.

Three threads may work for one tracker. They share, each under a lock:

- tracking and look-ahead: the plan (`LookAhead`), the keyframe (`KeyframeCache`), the evidence on
  the intrinsics (`CalibrationCheck`);
- tracking and search: the job in progress (`Search`), whose outcome is a future;
- all that prepare or use a relocalizer: its panoramas and views (`Relocalizer`).

Scene, frames, settings and alignments are immutable. All else belongs to the tracking thread.
"""
