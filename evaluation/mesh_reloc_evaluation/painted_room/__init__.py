"""A synthetic sample: a painted, lit room, a film of it, and a recording with true poses."""
