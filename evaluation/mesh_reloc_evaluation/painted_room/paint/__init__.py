"""Painters: what the surfaces of the room look like in even light."""
