"""Painters: functions that draw the surfaces of the room in even light."""
