"""Locks on folders; the operating system releases them when their process ends, however it ends."""

import contextlib
import errno
import logging
import os
import pathlib
import socket
import sys
from collections.abc import Iterator
from typing import BinaryIO

from deepsim_jax.errors import UserError

log = logging.getLogger("deepsim_jax")


class Held(UserError):
    """Another process, or another thread, holds the folder."""


NAME = ".lock"
"""The file in a folder that is locked. One that a crash has left behind means nothing."""

if sys.platform == "win32":
    import msvcrt

    _FAR = 2**30  # beyond the text: nobody else can read a byte that is locked

    def _lock(file: BinaryIO) -> None:
        file.seek(_FAR)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def held(folder: pathlib.Path, *, doing: str) -> Iterator[None]:
    """Holds a folder, so that no other process, nor another thread, holds it meanwhile.

    A folder that cannot be written to is not held. Where its file system has no locks, as some over a
    network, a warning says so.

    Args:
      folder: made if it does not exist.
      doing: what this process does in it, for the message to others: "trains".

    Raises:
      Held: it is held already.
      UserError: it cannot be locked.
    """
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    file = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = _open(folder / NAME, doing)
    except OSError as error:
        # What writes into the folder next says what is wrong with it.
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
            raise UserError(f"{folder}: cannot be locked ({error.strerror})") from error
    try:
        yield
    finally:
        if file is not None:
            _remove(file)
        for path in new:  # those that stayed empty, because the start was refused
            with contextlib.suppress(OSError):
                path.rmdir()


def _open(path, doing) -> BinaryIO:
    """The file, locked."""
    while True:
        file = open(path, "a+b")  # noqa: SIM115
        try:
            _lock(file)
        except (BlockingIOError, PermissionError) as error:
            file.seek(0)
            holder = file.read(200).decode(errors="replace")
            file.close()
            raise Held(
                f"{path.parent}: another process {holder or 'works'} here; wait for its end, or choose "
                "another workdir"
            ) from error
        except OSError as error:
            log.warning(
                "%s: its file system has no locks (%s); see that only one process works here",
                path.parent,
                error.strerror,
            )
            return file
        # The process that held it may have removed it between the opening and the locking.
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                file.truncate(0)
                file.write(f"(number {os.getpid()} on {socket.gethostname()}) {doing}".encode())
                file.flush()
                return file
        file.close()


def _remove(file) -> None:
    with contextlib.suppress(OSError):
        if sys.platform != "win32":  # which removes no open files
            os.unlink(file.name)
    file.close()
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            os.unlink(file.name)
