"""The demo: a made-up room is filmed, the film is played to the node, and the poses are judged."""
