"""One image, one render, one pose: photometric alignment, with no notion of time."""
