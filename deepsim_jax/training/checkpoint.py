"""Saving and restoring training states. Orbax lives here and nowhere else."""

import concurrent.futures
import contextlib
import logging
import pathlib
import shutil
import zlib
from collections.abc import Iterator

import jax
import numpy as np
import orbax.checkpoint as ocp

from deepsim_jax.errors import UserError

log = logging.getLogger("deepsim_jax")

# A checkpoint is written beside its final name first and needs some room for its own metadata.
SPARE_BYTES = 64 * 2**20


class Checkpoints:
    """The checkpoints of one run: `<folder>/<step>/`, each a set of named trees.

    Saving is synchronous unless asked otherwise: on a CPU an asynchronous save holds on to the state,
    which blocks its in-place update and costs up to a whole state of memory. A checkpoint appears under
    its name only when it is complete, together with a CRC-32 of every tree's content, because the storage
    format itself does not notice a changed byte. Host arrays are stored: a checkpoint does not depend on
    the devices that it was made with.
    """

    def __init__(self, folder: pathlib.Path, *, keep: int = 2, read_only: bool = False):
        """Opens the folder.

        Args:
          folder: created, and cleared of the remains of a killed save, unless `read_only`.
          keep: how many checkpoints stay; the oldest go first.
          read_only: only look, for readers beside a running training.
        """
        self.folder = pathlib.Path(folder).absolute()
        self._writer = concurrent.futures.ThreadPoolExecutor(1, "saving")
        self._writing: concurrent.futures.Future | None = None
        options = ocp.CheckpointManagerOptions(
            preservation_policy=ocp.checkpoint_managers.LatestN(keep),
            enable_async_checkpointing=False,
            create=False,
            multiprocessing_options=_alone(),
        )
        try:
            if not read_only:
                self.folder.mkdir(parents=True, exist_ok=True)
                for torn in self.folder.glob("*.orbax-checkpoint-tmp*"):
                    shutil.rmtree(torn)
            self._manager = ocp.CheckpointManager(
                self.folder, options=options, handler_registry=_handlers()
            )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UserError(f"{self.folder}: cannot be opened ({reason})") from error

    def steps(self) -> list[int]:
        """The steps that have a complete checkpoint, in order."""
        return sorted(self._manager.all_steps())

    def latest(self) -> int | None:
        """The newest step, or None."""
        return max(self.steps(), default=None)

    def save(self, step: int, trees: dict, *, background: bool = False):
        """Saves named trees of arrays as the checkpoint of a step, unless it is there already.

        Args:
          step: whose state it is.
          trees: name -> tree.
          background: return as soon as the arrays are in the host's memory, where they stay until they
            are written while the caller goes on. The next call waits for that, and raises its error if
            it is one in the background too: one in the foreground tries anew.

        Raises:
          UserError: too little free space (checked before anything is written), or the write fails;
            earlier checkpoints are untouched either way.
        """
        if background:
            self._wait()
        else:
            self._settle()
        if step in self.steps():
            return
        need = sum(leaf.nbytes for leaf in jax.tree.leaves(trees)) + SPARE_BYTES
        free = shutil.disk_usage(self.folder).free
        if free < need:
            raise UserError(
                f"{self.folder}: {free / 2**20:.0f} MiB free, the checkpoint of step {step} needs "
                f"{need / 2**20:.0f} MiB; free some space and start the same command again, it goes "
                f"on from step {self.latest() or 0}"
            )
        trees = jax.device_get(trees)
        if background:
            self._writing = self._writer.submit(self._write, step, trees)
        else:
            self._write(step, trees)

    def _wait(self):
        writing, self._writing = self._writing, None
        if writing:
            writing.result()

    def _settle(self):
        """Waits for a save in the background, and only logs its error."""
        try:
            self._wait()
        except Exception as error:  # whatever Orbax's storage layer raises
            log.error("%s", error)

    def _write(self, step, trees):
        items = {name: ocp.args.PyTreeSave(tree) for name, tree in trees.items()}
        digests = {name: digest(tree) for name, tree in trees.items()}
        try:
            self._manager.save(step, args=ocp.args.Composite(digests=ocp.args.JsonSave(digests), **items))
        except (OSError, ValueError) as error:
            reason = str(error).splitlines()[0][:200]
            raise UserError(
                f"{self.folder}: the checkpoint of step {step} could not be written ({reason}); "
                f"start the same command again, it goes on from step {self.latest() or 0}"
            ) from error

    def restore(self, step: int, like: dict) -> dict:
        """Restores named trees of a step.

        Args:
          step: one of `steps()`.
          like: name -> tree of arrays or `jax.ShapeDtypeStruct` with the shapes to expect.

        Returns:
          The trees by name, on this process's first device.

        Raises:
          UserError: the checkpoint is damaged or holds other shapes.
        """
        # On the host first: Orbax would look for the devices of a run that used several.
        empty = jax.tree.map(lambda x: np.broadcast_to(np.zeros((), x.dtype), x.shape), like)
        items = {name: ocp.args.StandardRestore(tree) for name, tree in empty.items()}
        try:
            restored = self._manager.restore(
                step, args=ocp.args.Composite(digests=ocp.args.JsonRestore(), **items)
            )
            for name, tree in like.items():
                jax.tree.map(_check_shape, tree, restored[name])
            intact = all(digest(restored[n]) == restored.digests[n] for n in like)
        # Orbax passes on whatever its storage layer raises, bare Exception among it.
        except Exception as error:
            raise self._damaged(step, str(error).splitlines()[0][:200]) from error
        if not intact:
            raise self._damaged(step, "its content does not match its checksum")
        return jax.device_put({name: restored[name] for name in like}, jax.local_devices()[0])

    def _damaged(self, step, reason):
        earlier = [s for s in self.steps() if s < step]
        advice = (
            f"delete that folder to go on from step {earlier[-1]}"
            if earlier
            else "it is the only one, so the run must be trained again in a new folder"
        )
        return UserError(f"{self.folder / str(step)}: the checkpoint cannot be read ({reason}); {advice}")

    def close(self):
        """Waits for a save in the background and closes the folder."""
        self._settle()
        self._writer.shutdown()
        self._manager.close()


@contextlib.contextmanager
def newest(workdir: pathlib.Path) -> Iterator[tuple[Checkpoints, int]]:
    """The checkpoints of the run in a folder, to read only, and the newest one's step.

    Raises:
      UserError: there is none.
    """
    saver = Checkpoints(workdir / "checkpoints", read_only=True)
    try:
        step = saver.latest()
        if step is None:
            raise UserError(f"{workdir}: no complete checkpoint in it; start its training again")
        yield saver, step
    finally:
        saver.close()


class NoCheckpoints:
    """Stands for the `Checkpoints` of a run in a process that leaves them to another one."""

    def latest(self) -> None:
        """None: whatever there is, the other process restores it."""

    def save(self, step: int, trees: dict, *, background: bool = False):
        """Does nothing."""

    def close(self):
        """Does nothing."""


def _check_shape(expected, restored):
    if (expected.shape, expected.dtype) != (restored.shape, restored.dtype):
        raise ValueError(
            f"{restored.dtype} {restored.shape} where {expected.dtype} {expected.shape} should be"
        )


def _handlers():
    """The handlers with which Orbax writes and reads.

    Trees are not compressed: that takes a core two to three seconds a GB and saves only a tenth.
    """
    alone = _alone()
    trees = ocp.PyTreeCheckpointHandler(use_compression=False, multiprocessing_options=alone)
    json = ocp.JsonCheckpointHandler(multiprocessing_options=alone)
    registry = ocp.handlers.DefaultCheckpointHandlerRegistry()
    registry.add(None, ocp.args.PyTreeSave, trees)
    registry.add(
        None, ocp.args.StandardRestore, ocp.StandardCheckpointHandler(multiprocessing_options=alone)
    )
    registry.add(None, ocp.args.JsonSave, json)
    registry.add(None, ocp.args.JsonRestore, json)
    return registry


def _alone():
    """Orbax's options for a manager that one of several processes uses, without the others."""
    if jax.process_count() == 1:
        return ocp.options.MultiprocessingOptions()
    own = jax.process_index()
    return ocp.options.MultiprocessingOptions(
        primary_host=own, active_processes={own}, barrier_sync_key_prefix=f"process{own}"
    )


def digest(tree) -> int:
    """CRC-32 over the bytes of all leaves in tree order."""
    value = 0
    for leaf in jax.tree.leaves(tree):
        value = zlib.crc32(np.ascontiguousarray(leaf).reshape(-1).view(np.uint8).data, value)
    return value
