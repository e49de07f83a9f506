"""Pages of the documentation that are made, at each build, from the README and from declarations.

MkDocs calls `on_files` (mkdocs.yml, `hooks`). The pages are index.md, which is the README; commands.md,
with the flags of every verb; and configs.md, with the keys of every system and what each shipped config
changes in them.
"""

import ast
from collections.abc import Iterable
from pathlib import Path

from mkdocs.structure.files import File

from deepsim_jax import registry, settings
from deepsim_jax.commands import verbs
from deepsim_jax.config.flat import differences
from deepsim_jax.config.schema import Key
from deepsim_jax.systems.contract import Option

_ROOT = Path(__file__).parent.parent
_PLACES = {  # where a path, or what begins with it, is in the site
    "docs/": "",
    "results/README.md": "results.md",
    "results/": "",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
}


def on_files(files, config):
    """Adds the pages, and the picture that the first page shows."""
    files.append(File.generated(config, "index.md", content=first_page()))
    files.append(File.generated(config, "commands.md", content=commands()))
    files.append(File.generated(config, "configs.md", content=configs()))
    picture = _ROOT / "results" / "quickstart.jpg"
    files.append(File.generated(config, picture.name, abs_src_path=str(picture)))
    return files


def first_page() -> str:
    """The README, whose links go from this folder instead of the one above."""
    text = (_ROOT / "README.md").read_text(encoding="utf-8")
    for path, page in _PLACES.items():
        text = text.replace(f"]({path}", f"]({page}")
    return text


def commands() -> str:
    """The page of all verbs and their flags."""
    lines = [
        "# Commands",
        "",
        "`deepsim_jax VERB --flag=value ...`, or `python -m deepsim_jax VERB ...`. `deepsim_jax VERB "
        "--help` shows the same. A verb that several systems have does what the run's own system says.",
    ]
    groups = [(None, "Any run"), *((system, f"Runs of {system.title}") for system in registry.systems())]
    for system, title in groups:
        lines += ["", f"## {title}", ""]
        lines += [f"{_sentence(system.about)}", ""] if system else []
        for offer in verbs.offers():
            if offer.system == system:
                lines += _verb(offer.verb)
    return "\n".join(lines) + "\n"


def configs() -> str:
    """The page of all keys, and of the shipped configs."""
    lines = [
        "# Configs",
        "",
        "A config has a complete set of keys; a file in `configs/`, or one of your own, changes some of "
        "them, and `--config.KEY=VALUE` on the command line changes single ones. A mistyped key is "
        "refused with a suggestion. Each shipped config takes the option `tiny`: "
        "`--config=quickstart:tiny` is a run of seconds, to see whether everything works.",
        "",
        "## Shipped configs",
    ]
    for name, path in settings.shipped_configs().items():
        lines += [
            "",
            f"### {name}",
            "",
            ast.get_docstring(ast.parse(path.read_text())).split("\n")[0],
            "",
        ]
        config = settings.load(name)
        standard = registry.get(config.system).schema.flat()
        changed = differences(standard, settings.flatten(config))
        lines += [f"Changes of {registry.get(config.system).title}'s defaults:", ""] if changed else []
        lines += [f"- `{line}`" for line in changed] or ["All keys have their defaults."]
    for system in registry.systems():
        lines += ["", f"## Keys of {system.title}", ""]
        rows = ((f"`{name}`", *_key(key)) for name, key in system.schema.keys.items())
        lines += _table(("key", "default", "allowed", "what"), rows)
    return "\n".join(lines) + "\n"


def _verb(verb) -> list[str]:
    lines = [f"### {verb.name}", "", _sentence(verb.about), ""]
    needed = "needed" * verb.needs_workdir
    rows = [("`--workdir`", needed, "", verb.workdir_about)] if verb.workdir_about else []
    default_config = _value(verb.default_config or None)
    rows += [("`--config`", default_config, "", "[a config](configs.md)")] * verb.takes_config
    rows += [_option(option) for option in verb.options]
    return [*lines, *_table(("flag", "default", "allowed", "what"), rows), ""]


def _option(option: Option) -> tuple[str, str, str, str]:
    default = "needed" if option.is_needed else _value(option.default)
    return f"`--{option.name}`", default, _allowed(option) or option.kind, option.about


def _key(key: Key) -> tuple[str, str, str]:
    return _value(key.default), _allowed(key) or type(key.default).__name__, key.about


def _allowed(declared: Key | Option) -> str:
    if declared.choices:
        return ", ".join(f"`{choice}`" for choice in declared.choices)
    low, high = declared.low, declared.high
    if low is None and high is None:
        return ""
    return f"at least {low}" if high is None else f"{low} to {high}"


def _value(value: object) -> str:
    return "" if value is None else f"`{value!r}`"


def _sentence(phrase: str) -> str:
    return phrase[0].upper() + phrase[1:].rstrip(".") + "."


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [head, ("---",) * len(head), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
