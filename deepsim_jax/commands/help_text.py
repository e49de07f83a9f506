"""What `--help` shows: all verbs, or the flags of one."""

import textwrap
from collections.abc import Sequence

from deepsim_jax import registry, settings
from deepsim_jax.commands import verbs
from deepsim_jax.config.schema import Key
from deepsim_jax.systems.contract import Option, Verb

_WIDTH = 100
_LONGEST_CHOICES = 70  # that stand beside the flag


def overview() -> str:
    """The verbs, with what each is about."""
    lines = ["Train on a single photo, and change the photo by a simple drawing of it.", ""]
    lines += ["usage: deepsim_jax VERB --flag=value ...", ""]
    groups = {"any run": [offer for offer in verbs.offers() if offer.system is None]}
    for system in registry.systems():
        groups[f"runs of {system.title}: {system.about}"] = [
            offer for offer in verbs.offers() if offer.system == system
        ]
    for title, offers in groups.items():
        lines += [f"{title}"]
        lines += [_entry(f"  {offer.verb.name}", offer.verb.about) for offer in offers]
        lines += [""]
    lines += ["configs: " + ", ".join(settings.shipped_configs()), ""]
    lines += ["deepsim_jax VERB --help shows the flags of a verb."]
    return "\n".join(lines)


def verb_help(offers: Sequence[verbs.Offer], usage: str, config: str = "") -> str:
    """The flags of a verb, with kinds, defaults, choices and ranges; and the keys of a config.

    Args:
      offers: the verbs of a name, of several systems or one.
      usage: how their command line begins.
      config: whose keys are shown.
    """
    lines = [f"usage: {usage} --flag=value ...", ""]
    takes_config = any(offer.verb.takes_config for offer in offers)
    for offer in offers:
        of = f"{offer.system.title}: " if offer.system else ""
        lines += [*textwrap.wrap(f"{of}{offer.verb.about}.", _WIDTH), ""]
        if offer.verb.workdir_about:
            about = offer.verb.workdir_about + " (needed)" * offer.verb.needs_workdir
            lines.append(_entry("  --workdir=PATH", about))
        if offer.verb.takes_config:
            lines.append(
                _entry(
                    "  --config=NAME",
                    "a shipped config's name or a file's path, with an option after a colon; its keys "
                    f"are changed by --config.KEY=VALUE; left out, {_without_config(offer.verb)}",
                )
            )
        lines += [
            _entry(f"  --{option.name}={_shape(option)}", _about(option)) for option in offer.verb.options
        ]
        lines += [""]
    if config:
        lines += [f"keys of the config {config}", "", *_keys(config)]
    elif takes_config:
        lines += [f"{usage} --config=NAME --help shows the keys of a config."]
    return "\n".join(lines).rstrip()


def _without_config(verb: Verb):
    return f"it is {verb.default_config}" if verb.default_config else "a run goes on with its own"


def _keys(name):
    config = settings.load(name)
    flat, schema = settings.flatten(config), registry.get(config.system).schema
    return [
        _entry(f"  --config.{key}={_key_shape(declared)}", _key_about(declared, flat[key]))
        for key, declared in schema.keys.items()
    ]


def _entry(flag, about):
    body = textwrap.wrap(about, _WIDTH - 30)
    if len(flag) > 28:
        return "\n".join([flag, *(" " * 30 + line for line in body)])
    return "\n".join([flag.ljust(30) + body[0], *(" " * 30 + line for line in body[1:])])


def _shape(option: Option):
    named = {"text": "TEXT", "path": "PATH", "int": "N", "float": "X", "bool": "true|false"}
    named |= {"words": "A,B,...", "size": "WIDTHxHEIGHT"}
    if option.kind != "word":
        return named[option.kind]
    choices = "|".join(option.choices)
    return choices if len(choices) <= _LONGEST_CHOICES else "WORD"


def _about(option: Option):
    notes = []
    if option.kind == "word" and _shape(option) == "WORD":
        notes.append(f"one of {', '.join(option.choices)}")
    if option.is_needed:
        notes.append("needed")
    elif option.default not in (None, "", ()) and option.kind != "bool":
        notes.append(f"default {option.default}")
    elif option.default:
        notes.append("default true")
    if option.low is not None and option.high is not None:
        notes.append(f"{option.low:g} to {option.high:g}")
    elif option.low is not None:
        notes.append(f"at least {option.low:g}")
    elif option.high is not None:
        notes.append(f"at most {option.high:g}")
    return f"{option.about} ({'; '.join(notes)})" if notes else option.about


def _key_shape(key: Key):
    if key.choices:
        return "|".join(key.choices)
    kinds = {bool: "true|false", int: "N", float: "X", str: "TEXT", tuple: "A,B,..."}
    return kinds[type(key.default)]


def _key_about(key: Key, value):
    shown = (
        repr(value) if value == "" else ",".join(map(str, value)) if isinstance(value, list) else value
    )
    notes = [f"here {shown}"] + [key.bounds] * bool(key.bounds)
    return f"{key.about} ({'; '.join(notes)})"
