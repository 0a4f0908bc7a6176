"""Settings, declared once: defaults, units, ranges."""
