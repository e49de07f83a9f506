"""The verbs: those that work on any system, declared here, and those that a system brings."""

import dataclasses

from deepsim_jax import registry
from deepsim_jax.systems.contract import Option, System, Verb

TRAIN = Verb(
    name="train",
    about="trains on what a config names, or continues the run in a folder",
    options=(
        Option("extend", "bool", "let an existing run go on to a larger train.steps", default=False),
        Option(
            "distributed",
            "bool",
            "as one of several processes, found through SLURM, Open MPI, Kubernetes or a TPU VM slice, "
            "or named by JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES and JAX_PROCESS_ID",
            default=False,
        ),
    ),
    run="deepsim_jax.commands.train:run",
    takes_config=True,
)
TRAIN_FOLDER = Verb(
    name="train_folder",
    about="trains a network for every photo of a folder, one after the other",
    options=(
        Option("input", "path", "folder of the photos", is_needed=True),
        Option("extend", "bool", "let existing runs go on to a larger train.steps", default=False),
    ),
    run="deepsim_jax.commands.train_folder:run",
    takes_config=True,
    default_config="quickstart",
    workdir_about="folder for their runs",
)
PREPARE = Verb(
    name="prepare",
    about="writes sequences as a TensorFlow Datasets set, for --input=tfds:FOLDER",
    options=(
        Option("input", "text", "sequences: a folder of frames, a video, clip:carphone", is_needed=True),
        Option("output", "path", "folder of the set", is_needed=True),
    ),
    run="deepsim_jax.commands.prepare:run",
    needs_workdir=False,
    workdir_about="",
)
SERVE = Verb(
    name="serve",
    about="the browser editor: change a photo and see it while the hand moves (extra editor)",
    options=(
        Option("photo", "path", "a photo to begin with"),
        Option(
            "port", "int", "0: 8765, or where that is taken another one", default=0, low=0, high=65535
        ),
        Option("host", "text", "address to listen on; another one lets others in", default="127.0.0.1"),
        Option("open_browser", "bool", "open the page", default=False),
    ),
    run="deepsim_jax.commands.serve:run",
    needs_workdir=False,
    workdir_about="folder in which all is saved: a new one, a run, or a folder of runs (default: "
    "deepsim_jax_edits)",
)


def _table() -> Verb:
    """The verb "table", whose rows are the tables of all systems."""
    tables = [table for system in registry.systems() for table in system.tables]
    about = "; ".join(f"{table.name}: {table.about}" for table in tables)
    return Verb(
        name="table",
        about="trains and measures every row of a table on every sequence or photo",
        options=(
            Option(
                "rows",
                "word",
                f"what is compared ({about})",
                default=registry.get(registry.DEFAULT).tables[0].name,
                choices=tuple(table.name for table in tables),
            ),
            Option("input", "text", "sequences or photos, with commas between them"),
            Option("seeds", "int", "trainings per row and sequence", default=1, low=1),
            Option("inception", "text", "file of torchvision's Inception-v3 for SIFID, or 'download'"),
        ),
        run="deepsim_jax.commands.table:run",
        takes_config=True,
        workdir_about="folder of the table",
    )


@dataclasses.dataclass(frozen=True)
class Offer:
    """A verb, and the system that it is of; None for one that works on any."""

    verb: Verb
    system: System | None = None


def offers() -> list[Offer]:
    """All verbs, the shared ones first; systems may have verbs of the same name."""
    shared = [Offer(TRAIN), Offer(TRAIN_FOLDER), Offer(_table()), Offer(PREPARE), Offer(SERVE)]
    return shared + [Offer(verb, system) for system in registry.systems() for verb in system.verbs]


def named(name: str) -> list[Offer]:
    """The verbs of a name: one, or one of each system that has it; none if there is no such verb."""
    return [offer for offer in offers() if offer.verb.name == name]


def names() -> list[str]:
    """The names of all verbs, each once."""
    return list(dict.fromkeys(offer.verb.name for offer in offers()))
