"""The one error that a user can cause: it is shown as one line, never as a traceback."""


class InputError(Exception):
    """Something that the user gave cannot be used.

    The message is one line that says what is wrong and what to do. Commands print it to stderr
    and exit with status 2; the node logs it and reports it in its diagnostics.
    """
