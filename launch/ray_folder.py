"""Trains a network for every photo of a folder, over all workers and GPUs that Ray finds.

    python launch/ray_folder.py --input=photos/ --workdir=runs/album --config=quickstart \\
        [--config.train.steps=1000 ...] [--workers=8] [--threads=1] [--address=auto] [--extend]

Without --address it starts a Ray of its own on this machine; "auto" or host:port joins a running one,
whose machines must have deepsim_jax installed and share both folders under the same paths. Where there
are GPUs, every worker has one; else only cores. Files, resuming and exit codes are those of
`train_folder.py`. Needs the extra `ray`.
"""

import contextlib
import dataclasses
import logging
import os
import socket
import sys

from deepsim_jax import main, settings
from deepsim_jax.commands import train_folder as folder
from deepsim_jax.commands import verbs
from deepsim_jax.errors import UserError, one_line
from deepsim_jax.runtime import hugepages
from deepsim_jax.systems.contract import Call, Option
from deepsim_jax.training import signals

log = logging.getLogger("deepsim_jax")

# Seconds until a joined worker or a Ctrl-C is noticed, and until stopped photos must be saved.
POLL, LAST_SAVE = 5.0, 120.0
# Of a Ray that is started here: the rows of a summary are all that it keeps.
STORE_BYTES = 100 * 2**20


@contextlib.contextmanager
def own_cores(threads: int):
    """Ties this process to cores that no other worker on this machine is tied to.

    XLA makes as many threads as the process has cores when it starts, so this comes before anything
    that uses JAX. A core is claimed by a lock on a file, which the system also lets go when the process
    is killed.

    Args:
      threads: how many cores.

    Yields:
      The cores; none where too few are free or the system cannot tie a process to cores. XLA then
      still makes `threads` threads.
    """
    os.environ["PJRT_NPROC"] = str(threads)
    if not hasattr(os, "sched_setaffinity"):
        yield []
        return
    import fcntl
    import pathlib
    import tempfile

    place = pathlib.Path(tempfile.gettempdir()) / f"deepsim_jax-cores-{os.getuid()}"
    place.mkdir(mode=0o700, exist_ok=True)
    with contextlib.ExitStack() as locks:
        cores = []
        for core in sorted(os.sched_getaffinity(0)):
            file = open(place / str(core), "w")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.close()
                continue
            locks.enter_context(file)
            cores.append(core)
            if len(cores) == threads:
                os.sched_setaffinity(0, cores)
                break
        else:
            locks.close()
            cores = []
        yield cores


def work(path: str, workdir: str, flat: dict, threads: int, extend: bool) -> dict:
    """Trains one photo in a worker: a row of the summary, with the host and the cores."""
    import platform

    with own_cores(threads) as cores:
        from deepsim_jax import settings
        from deepsim_jax.commands import console
        from deepsim_jax.commands import train_folder as folder

        console.start(f"{os.path.basename(path)}: ")
        row = folder.train_photo(path, workdir, settings.unflatten(flat), extend=extend)
    return {**row, "host": platform.node(), "cores": cores}


def capacity(nodes: list[dict], threads: int, gpus: bool) -> int:
    """How many trainings the machines have room for at the same time.

    Args:
      nodes: as `ray.nodes()` describes them.
      threads: of each.
      gpus: whether each needs a GPU.
    """
    found = [node["Resources"] for node in nodes if node["Alive"]]
    return sum(
        int(min(of.get("CPU", 0) // threads, of.get("GPU", 0) if gpus else of.get("CPU", 0)))
        for of in found
    )


def choose_threads(nodes: list[dict], gpus: bool) -> int:
    """Threads for each worker: a GPU's share of its machine's cores, or one."""
    found = [node["Resources"] for node in nodes if node["Alive"] and node["Resources"].get("GPU")]
    if not gpus or not found:
        return 1
    return max(1, int(min(of.get("CPU", 1) // max(of["GPU"], 1) for of in found)))


class Pool:
    """The trainings that Ray is asked for, and what became of them."""

    def __init__(self, ray, album: folder.Album, *, workers: int, threads: int, extend: bool):
        """Looks at the machines.

        Raises:
          UserError: none of them has room for one training.
        """
        self._ray, self._album, self._workers = ray, album, workers
        self._gpus = any(n["Resources"].get("GPU") for n in ray.nodes() if n["Alive"])
        self._threads = threads or choose_threads(ray.nodes(), self._gpus)
        self._given = str(album.workdir), settings.flatten(album.config), self._threads, extend
        if not self._room():
            most = max(int(n["Resources"].get("CPU", 0)) for n in ray.nodes() if n["Alive"])
            raise UserError(
                f"--threads={self._threads}: the largest machine offers {most} cores; give fewer threads"
            )
        # A process for each photo: cores and memory are free again when it ends. What kills a process
        # (no memory, a lost machine) may be gone the second time, and little is lost.
        self._work = ray.remote(
            num_cpus=self._threads, num_gpus=int(self._gpus), max_calls=1, max_retries=1
        )(work)
        self._running, self.rows = {}, {}

    def _room(self) -> int:
        room = capacity(self._ray.nodes(), self._threads, self._gpus)
        return min(room, self._workers) if self._workers else room

    def run(self, stop):
        """Trains all photos, as many at a time as there is room for, also on machines that join.

        Args:
          stop: asked every few seconds whether to save what is running and end.
        """
        waiting = list(self._album.photos)
        log.info(
            "%d photos, %d at a time, each with %d thread%s%s",
            len(waiting),
            self._room(),
            self._threads,
            "s" * (self._threads > 1),
            " and a GPU" * self._gpus,
        )
        while waiting or self._running:
            if stop():
                return self._stop_all()
            while waiting and len(self._running) < max(self._room(), 1):
                path = waiting.pop(0)
                self._running[self._work.remote(str(path), *self._given)] = path.name
            self._collect(POLL)

    def _stop_all(self):
        """Asks the running trainings to save and end, and waits for them."""
        log.warning("the running photos are saved; the same command continues the album")
        for reference in self._running:
            self._ray.cancel(reference)
        self._collect(LAST_SAVE, all_of_them=True)

    def _collect(self, patience, *, all_of_them=False):
        number = len(self._running) if all_of_them else 1
        done, _ = self._ray.wait(list(self._running), num_returns=number, timeout=patience)
        for reference in done:
            name = self._running.pop(reference)
            try:
                row = self._ray.get(reference)
            except self._ray.exceptions.TaskCancelledError:
                continue  # it had not begun, or could not say how far it came
            except self._ray.exceptions.RayError as error:
                reason = str(error).strip().splitlines()[-1].strip()
                row = {
                    "state": "failed",
                    "steps": 0,
                    "seconds": 0.0,
                    "folder": name,
                    "reason": f"{type(error).__name__}: {reason}",
                }
            self.rows[name] = row
            log.info("%s: %s, %d of %d", name, row["state"], len(self.rows), len(self._album.photos))
            folder.write_summary(self._album, self.rows)


def train(album: folder.Album, *, workers: int, threads: int, address: str, extend: bool) -> dict:
    """Trains an album with Ray; returns its summary.

    Args:
      album: see `folder.open_album`.
      workers: at most so many at a time; 0: as many as there is room for.
      threads: of each; 0: see `choose_threads`.
      address: of a running Ray, or "local".
      extend: lets existing runs go on to a larger `train.steps`.

    Raises:
      UserError: no Ray, or no machine with so many threads.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise UserError(
            "Ray is needed: install the extra, pip install 'deepsim_jax[ray]'; or train on "
            "this machine alone with deepsim_jax train_folder"
        ) from error
    own = {}
    if address == "local":
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        own = {
            "num_cpus": min(cores, workers * threads) if workers and threads else cores,
            "include_dashboard": False,
            "object_store_memory": STORE_BYTES,
        }
    try:
        _knock(address)
        ray.init(address=address, logging_level=logging.WARNING, **own)
    # Ray raises ConnectionError, RuntimeError, ValueError, TimeoutError and more.
    except Exception as error:
        raise UserError(
            f"--address={address}: no Ray there ({one_line(error)[:200]}); "
            "start it with `ray start --head`, set RAY_AUTH_MODE=token if it asks for a "
            "token, or leave --address out"
        ) from error
    try:
        pool = Pool(ray, album, workers=workers, threads=threads, extend=extend)
        # A flag: an exception could come within one of Ray's callbacks, which would swallow it.
        with signals.stop_requests() as stop:
            pool.run(stop)
    finally:
        ray.shutdown()
    return folder.write_summary(album, pool.rows)


def _knock(address):
    """Raises OSError if nobody listens there: Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


def run(call: Call) -> int:
    """Trains the folder, shows what became of each photo, and returns the exit code.

    Raises:
      UserError: as `folder.open_album` and `train`.
    """
    album = folder.open_album(call.input, call.workdir, call.needed_config)
    summary = train(
        album,
        workers=call.workers or 0,
        threads=call.threads or 0,
        address=call.address,
        extend=call.extend,
    )
    print(folder.describe(summary))
    return folder.exit_code(summary)


VERB = dataclasses.replace(
    verbs.TRAIN_FOLDER,
    name="ray_folder",
    about="trains a network for every photo of a folder, over all workers and GPUs that Ray finds",
    options=(
        *verbs.TRAIN_FOLDER.options,
        Option(
            "workers",
            "int",
            "most trainings at a time (default: as many as there are GPUs or cores)",
            low=1,
        ),
        Option(
            "threads",
            "int",
            "processor cores of each training (default: a GPU's share of them; without GPUs one)",
            low=1,
        ),
        Option("address", "text", "of a running Ray: auto, or host:port", default="local"),
    ),
    run=f"{__name__}:run",
)

if __name__ == "__main__":
    hugepages.restart()
    sys.exit(main.main(sys.argv, VERB))
