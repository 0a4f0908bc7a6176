"""Poses over time: motion filter, trust, and the tracker that joins them to the alignment."""
