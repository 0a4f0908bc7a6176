"""Positions of walls, window and lamp, metres."""

LENGTH, WIDTH, HEIGHT = 5.0, 4.0, 2.6
WINDOW_CORNER = (LENGTH - 0.012, 2.9, 0.95)
"""Bottom-left corner of the window in the east wall, as seen from inside."""
WINDOW_SIZE = (1.7, 1.25)
LAMP = (2.6, 2.05, 1.98)
"""Bottom of the lampshade, above the table."""
