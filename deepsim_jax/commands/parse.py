"""From the words of a command line to a call of a verb.

A verb has flags of its own, defined on absl `FlagValues` from its declaration; there are no global flags.
Both spellings mean the same: `deepsim_jax edit --input=...` and `python -m deepsim_jax.main --mode=edit
--input=...`. Keys of a config are flags, too (`--config.train.steps=500`), of the config that `--config`
names or, without it, of the run in `--workdir`.
"""

import ast
import dataclasses
import re
from collections.abc import Sequence
from typing import Any

import ml_collections
from absl import flags

from deepsim_jax import settings
from deepsim_jax.commands import verbs
from deepsim_jax.config.flat import flatten, refuse_unknown
from deepsim_jax.config.schema import Key, Schema
from deepsim_jax.errors import UserError
from deepsim_jax.registry import get as get_system
from deepsim_jax.runtime.paths import user_path
from deepsim_jax.systems.contract import Call, Option, Verb

DEFAULT_VERB = verbs.TRAIN.name
_HELP = ("--help", "-help", "-h", "--helpfull", "--helpshort")


@dataclasses.dataclass(frozen=True)
class Request:
    """What a command line asks for.

    Attributes:
      verb: its name; "" if only help on all verbs is asked for.
      spelling: the verb as it was written, for messages.
      words: what follows, without the program's and the verb's name.
      wants_help: whether help is asked for instead of doing it.
      config: the text of --config, "" if there is none.
      offers: the verbs of that name: of several systems, or one.
      usage: how the command line begins.
    """

    verb: str
    spelling: str
    words: tuple[str, ...]
    wants_help: bool
    config: str = ""
    offers: tuple[verbs.Offer, ...] = ()
    usage: str = "deepsim_jax"

    def spelling_of(self, verb: str) -> str:
        """Another verb, written as this one was."""
        return f"--mode={verb}" if self.spelling.startswith("--mode=") else verb


def read_request(argv: Sequence[str]) -> Request:
    """Finds out which verb a command line calls.

    Args:
      argv: with the program's name first.

    Raises:
      UserError: there is no such verb.
    """
    words, verb, by_flag = list(argv[1:]), None, False
    if words and not words[0].startswith("-"):
        verb = words.pop(0)
    words, wants_help = _without_help(words)
    first, rest = _parse_first(words)
    if first.mode is not None:
        if verb is not None:
            raise UserError(f"{verb} and --mode={first.mode}: name one verb")
        verb, by_flag = first.mode, True
        words = _without(words, "mode")
    if verb is None:
        if not words or (wants_help and not rest):
            return Request("", "", (), True)
        verb, by_flag = DEFAULT_VERB, True
    if verb not in verbs.names():
        known = "|".join(verbs.names())
        raise UserError(f"{'flag --mode=' if by_flag else ''}{verb}: value should be one of <{known}>")
    spelling = f"--mode={verb}" if by_flag else verb
    offers = tuple(verbs.named(verb))
    return Request(verb, spelling, tuple(words), wants_help, first.config, offers, f"deepsim_jax {verb}")


def read_own_request(argv: Sequence[str], verb: Verb) -> Request:
    """The request that a command line makes of a program whose only verb this is.

    Args:
      argv: with the program's name first.
      verb: one that no system has, such as those of `launch/`.

    Raises:
      UserError: a flag without its value.
    """
    words, wants_help = _without_help(argv[1:])
    first, _ = _parse_first(words)
    offers, usage = (verbs.Offer(verb),), f"python {argv[0]}"
    return Request(verb.name, verb.name, tuple(words), wants_help, first.config, offers, usage)


def _without_help(words):
    """(the words without those that ask for help, whether there were any)."""
    kept = [word for word in words if word not in _HELP]
    return kept, len(kept) < len(words)


def _parse_first(words):
    """(values of the flags that say what all others mean, the other words)."""
    first = flags.FlagValues()
    flags.DEFINE_string("mode", None, "", flag_values=first)
    flags.DEFINE_string("config", "", "", flag_values=first)
    return first, _parse_known(first, words)


def read_call(request: Request) -> tuple[verbs.Offer, Call]:
    """The verb of a request that fits the run in its folder, and its call.

    Raises:
      UserError: a flag that is unknown, missing, out of range or of another verb, or an unusable config
        or folder.
    """
    offers = request.offers
    values = flags.FlagValues()
    for option in {option.name: option for offer in offers for option in offer.verb.options}.values():
        define(option, values)
    flags.DEFINE_string("workdir", None, "", flag_values=values)
    flags.DEFINE_string("config", None, "", flag_values=values)
    rest = _parse_known(values, request.words)
    workdir = user_path(values.workdir).absolute() if values.workdir else None
    if workdir is None and all(offer.verb.needs_workdir for offer in offers):
        raise UserError(f"--workdir is needed for {request.spelling}")
    config = _read_config(values.config or offers[0].verb.default_config, workdir, rest, request)
    offer = _fitting(workdir, config, request)
    if workdir is None and offer.verb.needs_workdir:
        raise UserError(f"--workdir is needed for {request.spelling} of {offer.system.title}")
    given = {name: value for name, value in _given(values, offers).items() if value not in (None, "", [])}
    _check_taken(given, offer, values, request)
    for option in offer.verb.options:
        if option.is_needed and option.name not in given:
            raise UserError(f"--{option.name} is needed for {request.spelling}")
    options = {option.name: given.get(option.name, option.default) for option in offer.verb.options}
    return offer, Call(request.verb, request.spelling, workdir, options, config)


def define(option: Option, values: flags.FlagValues):
    """Defines the flag of an option."""
    name, about = option.name, option.about
    default: Any = None if option.kind == "size" else option.default  # the text of a size is read later
    if option.kind == "int":
        low = None if option.low is None else int(option.low)
        high = None if option.high is None else int(option.high)
        flags.DEFINE_integer(name, default, about, lower_bound=low, upper_bound=high, flag_values=values)
    elif option.kind == "float":
        flags.DEFINE_float(
            name, default, about, lower_bound=option.low, upper_bound=option.high, flag_values=values
        )
    elif option.kind == "bool":
        flags.DEFINE_bool(name, default, about, flag_values=values)
    elif option.kind == "word":
        flags.DEFINE_enum(name, default, option.choices, about, flag_values=values)
    elif option.kind == "words":
        flags.DEFINE_list(name, default, about, flag_values=values)
    else:
        flags.DEFINE_string(name, default, about, flag_values=values)


def _given(values, offers):
    """name -> value of the flags of options, sizes as (height, width), paths without ~."""
    kinds = {option.name: option.kind for offer in offers for option in offer.verb.options}
    read = {"size": _size, "path": lambda text: text and str(user_path(text))}
    return {name: read.get(kind, lambda value: value)(values[name].value) for name, kind in kinds.items()}


def _size(text):
    """WIDTHxHEIGHT as (height, width)."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if not match:
        raise UserError(f"--size={text}: give WIDTHxHEIGHT in pixels, such as 160x96")
    return int(match[2]), int(match[1])


def _check_taken(given, offer, values, request):
    """Refuses options of the same verb of another system."""
    takes = [option.name for option in offer.verb.options]
    for name in given:
        if name not in takes and values[name].present:
            raise UserError(
                offer.verb.hints.get(name)
                or f"--{name} is not for {request.spelling} of {offer.system.title}, which takes "
                f"{', '.join(f'--{option}' for option in takes)}"
            )


def _fitting(workdir, config, request):
    """The verb of the system that the run in the folder, or the config, is of."""
    offers = request.offers
    if offers[0].system is None:
        return offers[0]
    is_run = workdir is not None and (workdir / "config.json").is_file()
    if config is not None and not is_run and any(offer.verb.takes_config for offer in offers):
        system = get_system(config.system)
    elif workdir is None:
        raise UserError(f"--workdir is needed for {request.spelling}, or a --config that names a photo")
    else:
        # Imported here: it takes two seconds, which a mistyped flag does not need.
        from deepsim_jax import api

        system = get_system(api.read_config(workdir).system)
    for offer in offers:
        if offer.system.name == system.name:
            return offer
    if config is not None:  # a verb says best itself which config it needs
        return offers[0]
    known = ", ".join(request.spelling_of(verb.name) for verb in system.verbs)
    raise UserError(f"{request.spelling}: {workdir} is a run of {system.name}, which has {known}")


def _read_config(name, workdir, rest, request):
    """The config that is named, or that of the run in the folder, with keys changed, or None."""
    keys = [word.lstrip("-").partition("=")[0] for word in rest if word.startswith("-")]
    changes_keys = any(key.removeprefix("no").startswith("config.") for key in keys)
    if name:
        config = settings.load(name)
    elif changes_keys and workdir is not None and (workdir / "config.json").is_file():
        from deepsim_jax import api  # as above

        config = api.read_config(workdir)
    else:
        config = None
    if config is None:
        if changes_keys:
            raise UserError("--config is needed for a new run, e.g. --config=configs/quickstart.py")
        _refuse_rest(rest, request)
        return None
    schema = get_system(config.system).schema
    values, flat = flags.FlagValues(), flatten(config)
    for key, value in flat.items():
        _define_key(f"config.{key}", value, schema.keys.get(key), values)
    for key in keys:
        own = key.removeprefix("noconfig.") if key.startswith("noconfig.") else key
        if own.startswith("config.") or own != key:
            refuse_unknown([own.removeprefix("config.")], flat)
    try:
        rest = _parse_known(values, rest)
    except UserError as error:
        match = re.match(r"flag --config\.([\w.]+)=", str(error))
        raise UserError(f"{error}; give a value like {flat[match[1]]!r}" if match else error) from error
    _refuse_rest(rest, request)
    changes = {key: values[f"config.{key}"].value for key in flat if values[f"config.{key}"].present}
    return _changed(config, changes, schema)


def _changed(config: ml_collections.ConfigDict, changes: dict, schema: Schema):
    """A validated copy of a config with keys changed."""
    if not changes:
        return config
    return settings.unflatten({**flatten(config), **changes})


def _define_key(name, value, key: Key | None, values):
    about = key.about if key else ""
    if isinstance(value, bool):
        flags.DEFINE_bool(name, value, about, flag_values=values)
    elif isinstance(value, int):
        flags.DEFINE(_Whole(), name, value, about, flag_values=values)
    elif isinstance(value, float):
        flags.DEFINE_float(name, value, about, flag_values=values)
    elif isinstance(value, list):
        flags.DEFINE(_Numbers(), name, value, about, flag_values=values)
    else:
        flags.DEFINE_string(name, value, about, flag_values=values)


class _Whole(flags.IntegerParser):
    """A whole number, which may be written as 1e3."""

    def convert(self, argument):
        """The number as an int."""
        try:
            return super().convert(argument)
        except ValueError:
            if not float(argument).is_integer():
                raise
            return int(float(argument))


class _Numbers(flags.ArgumentParser):
    """Numbers as Python writes a tuple or list, or with commas between them."""

    def parse(self, argument):
        """The numbers as a list."""
        if isinstance(argument, list):
            return argument
        try:
            value = ast.literal_eval(argument)
        except (ValueError, SyntaxError) as error:
            raise ValueError(f"{argument!r} is no tuple of numbers") from error
        return list(value) if isinstance(value, list | tuple) else [value]

    def flag_type(self):
        """What help calls it."""
        return "numbers"


def _parse_known(values, words):
    """Parses what is defined and returns the other words, in order."""
    values.set_gnu_getopt(True)
    try:
        return values(["deepsim_jax", *words], known_only=True)[1:]
    except flags.Error as error:
        raise UserError(str(error)) from error


def _without(words, name):
    """The words without a flag and its value."""
    kept, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif re.fullmatch(rf"--?{name}", word):
            skip = True
        elif not re.match(rf"--?{name}=", word):
            kept.append(word)
    return kept


def _refuse_rest(rest, request):
    """Refuses the words that nothing is defined for."""
    offers = request.offers
    takes = list(dict.fromkeys(option.name for offer in offers for option in offer.verb.options))
    for word in rest:
        if not word.startswith("-"):
            raise UserError(f"{word!r}: what is this? Values are given as --name=value")
        name = word.lstrip("-").partition("=")[0]
        hint = next((offer.verb.hints[name] for offer in offers if name in offer.verb.hints), None)
        if hint:
            raise UserError(hint)
        others = [o.verb.name for o in verbs.offers() if name in [x.name for x in o.verb.options]]
        if others:
            # Which of several systems it is for is told by a run that is not read yet.
            of = f" of {offers[0].system.title}" if len(offers) == 1 and offers[0].system else ""
            raise UserError(
                f"--{name} is not for {request.spelling}{of}, which takes "
                f"{', '.join(f'--{option}' for option in takes)}"
            )
        raise UserError(f"Unknown command line flag {name!r}")
