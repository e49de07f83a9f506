"""Larger pages for the memory that a step on a CPU takes anew at every call.

XLA allocates a step's temporary memory at each call and gives it back. At 480x480 these are 2.4 GB, so
that Linux hands out half a million pages of 4 KiB at every step, one by one, for a sixth of its time.
glibc can ask for 2 MiB pages instead, but it reads this wish only as a process begins.
"""

import os
import pathlib
import sys

TUNABLE = "glibc.malloc.hugetlb"
"""glibc's tunable, since 2.35. 1: the pages are asked for by madvise."""

_MODE = pathlib.Path("/sys/kernel/mm/transparent_hugepage/enabled")


def environment() -> dict[str, str]:
    """This process's environment, and the wish for large pages where it changes anything.

    That is on Linux with glibc 2.35 or later, where large pages are for those that ask ("madvise", as
    most distributions have it). What the user has set of this tunable stays, so that
    `GLIBC_TUNABLES=glibc.malloc.hugetlb=0` keeps the small pages.
    """
    found = dict(os.environ)
    tunables = found.get("GLIBC_TUNABLES", "")
    if TUNABLE not in tunables and _understood():
        found["GLIBC_TUNABLES"] = f"{tunables}:{TUNABLE}=1".lstrip(":")
    return found


def restart():
    """Begins this program anew with that environment; returns where it would change nothing.

    For the first lines of a program, before its slow imports. The process keeps its number, its
    arguments and its open streams.
    """
    wanted = environment()
    if wanted != dict(os.environ):
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], wanted)


def _understood() -> bool:
    if sys.platform != "linux":
        return False
    try:
        name, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()
        enough = name == "glibc" and tuple(int(n) for n in version.split(".")[:2]) >= (2, 35)
        return enough and "[madvise]" in _MODE.read_text(encoding="ascii")
    except (ValueError, OSError):  # another C library; a kernel without large pages
        return False
