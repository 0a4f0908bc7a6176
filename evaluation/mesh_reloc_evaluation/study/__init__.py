"""Studies behind the settings: what was tried on data, with the figures that came of it."""
