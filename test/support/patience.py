"""How long tests wait for what comes for certain."""

LONG_S = 900.0
"""Ends a hang. Far longer than anything takes, also on a machine with ten times as much to do."""
