"""Recordings on disk as sequences of frames: bags, trajectories, reference cameras."""
