"""What ends a demo that was asked for rightly."""


class DemoError(Exception):
    """The demo did not come to its end. The message is one line that says what went wrong."""
