"""Paths as users write them, and the folder for what can be had again."""

import os
import pathlib


def user_path(text) -> pathlib.Path:
    """A path with a leading ~ or ~name replaced by that home folder.

    A shell does this at the beginning of a word alone: in --workdir=~/runs it leaves the ~ to the
    program. A name that merely begins with a ~ and is no user's, such as ~draft.png, stays as it is.

    Args:
      text: str or os.PathLike.
    """
    return pathlib.Path(os.path.expanduser(os.fspath(text)))


def cache_folder() -> pathlib.Path:
    """Where downloads and compiled programs lie: $XDG_CACHE_HOME/deepsim_jax or ~/.cache/deepsim_jax."""
    root = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(root) / "deepsim_jax"
