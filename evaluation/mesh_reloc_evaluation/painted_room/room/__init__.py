"""The room as patches. x is east, y north, z up, in metres from a corner of the floor."""
