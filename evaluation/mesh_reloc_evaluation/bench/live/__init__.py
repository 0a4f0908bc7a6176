"""The node over DDS in real time, on given cores, beside other work."""
