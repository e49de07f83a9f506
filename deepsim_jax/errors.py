"""The one exception type that is meant for users rather than for programmers."""


class UserError(ValueError):
    """Something the user gave cannot be used.

    The message is one line: what was given, what is allowed, what to do. The command line prints it
    without a traceback and exits with a non-zero code; programs may catch it as a `ValueError`.
    """
