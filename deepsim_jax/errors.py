"""The one exception type that is meant for users rather than for programmers, and errors as one line."""


class UserError(ValueError):
    """Something the user gave cannot be used.

    The message is one line: what was given, what is allowed, what to do. The command line prints it
    without a traceback and exits with a non-zero code; programs may catch it as a `ValueError`.
    """


def one_line(error: object) -> str:
    """What an error says, with single blanks between its words and no line breaks."""
    return " ".join(str(error).split())
