"""Real images put through faults: what is published, what of it is wrong, and what recovers."""
