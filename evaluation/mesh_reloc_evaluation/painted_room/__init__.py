"""The demo's sample: a textured mesh of a room, and a recording of a camera carried through it."""
