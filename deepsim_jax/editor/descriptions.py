"""What the page is told of systems, workspaces and histories: declarations and states as JSON."""

import dataclasses
from typing import Any

import numpy as np

from deepsim_jax import registry
from deepsim_jax.editor import opening
from deepsim_jax.editor.history import History
from deepsim_jax.editor.workspaces import Workspace
from deepsim_jax.systems import contract
from deepsim_jax.systems.contract import Canvas, Option, System, Tool


def systems() -> list[dict[str, Any]]:
    """All systems, with the configs and options with which they open a photo."""
    return [_system(system) for system in registry.systems()]


def _system(system: System) -> dict[str, Any]:
    keys = system.opening.keys if system.opening else ()
    return {
        "name": system.name,
        "title": system.title,
        "about": system.about,
        "purpose": system.purpose,
        "promise": system.promise,
        "opens": system.opening is not None,
        "configs": opening.configs(system) if system.photo_key else [],
        "opening": [option(one) for one in opening.options(system, keys)],
    }


def workspace(one: Workspace, training: dict[str, Any]) -> dict[str, Any]:
    """A workspace, whole.

    Args:
      one: the workspace.
      training: how its training goes.
    """
    opened, session = one.opened, one.opened.session
    height, width = opened.source.photo.shape[:2]
    changeable = opened.system.opening if one.photo_path is not None else None
    keys = changeable.keys if changeable else ()
    return {
        "workspace": one.id,
        "name": one.name,
        "system": opened.system.name,
        "config": one.config_name,
        "photo": {"size": [width, height]},
        "canvas": None if session is None else canvas(session.canvas, one.output_size()),
        "tools": [] if session is None else [tool(declared) for declared in session.tools],
        "can": {
            "draw": isinstance(session, contract.Drawn),
            "region": isinstance(session, contract.Regional),
            "photo": isinstance(session, contract.Photographed),
            "mismatch": isinstance(session, contract.Doubting),
            "recipe": isinstance(session, contract.Recorded),
            "film": isinstance(session, contract.Interpolating),
        },
        "opening": {
            "options": [option(declared) for declared in opening.options(opened.system, keys)],
            "values": opening.values(opened.config, keys),
        },
        "history": history(one.history),
        "training": training,
        "train_options": _train_options(one),
        "trained": bool(opened.step),
        "unsaved": one.folder.problem,
    }


def _train_options(one: Workspace) -> list[dict[str, Any]]:
    """The keys that may be changed before a training, with what this one would have as defaults."""
    system, config = one.opened.system, one.opened.config
    known = opening.values(config, system.train_keys)
    return [
        option(dataclasses.replace(declared, default=known[declared.name]))
        for declared in opening.options(system, system.train_keys)
    ]


def history(one: History) -> dict[str, Any]:
    """The documents, and which one is current."""
    return {
        "position": one.position,
        "documents": [
            {
                "id": entry.id,
                "tool": entry.actions[0]["tool"] if entry.actions else None,
                "label": entry.label,
            }
            for entry in one.entries
        ],
    }


def moved(one: Workspace) -> dict[str, Any]:
    """What another current document changes: the history, the size of results, and what is unsaved."""
    size = one.output_size()
    return {
        "history": history(one.history),
        "output_size": None if size is None else list(size[::-1]),
        "unsaved": one.folder.problem,
    }


def option(declared: Option) -> dict[str, Any]:
    """An option as the page draws it, with the choices that it offers; paths are pictures there."""
    return {
        "name": declared.name,
        "kind": declared.kind,
        "about": declared.about,
        "default": declared.default,
        "choices": [word for word in declared.choices if word not in declared.label.left_out],
        "low": declared.low,
        "high": declared.high,
        "needed": declared.is_needed,
        "title": declared.label.title,
        "end": declared.label.end,
        "suggested": declared.label.suggested,
        "titles": dict(declared.label.titles),
        "only_with": {name: list(choices) for name, choices in declared.label.only_with.items()},
        "hints": dict(declared.label.hints),
    }


def tool(declared: Tool) -> dict[str, Any]:
    """A tool as the page draws it."""
    return {
        "name": declared.name,
        "about": declared.about,
        "gesture": declared.gesture,
        "takes": list(declared.takes),
        "ink": declared.ink,
        "ground": declared.ground,
        "key": declared.key,
        "title": declared.title,
        "help": declared.help,
        "icon": declared.icon,
        "options": [option(one) for one in declared.options],
    }


def canvas(declared: Canvas, output_size: tuple[int, int] | None = None) -> dict[str, Any]:
    """A canvas, with the (height, width) of results if it is another one; sizes are [width, height]."""
    return {
        "size": list(declared.size[::-1]),
        "output_size": list((output_size or declared.output_size)[::-1]),
        "layers": list(declared.layers),
        "palette": None if declared.palette is None else declared.palette.tolist(),
        "edge_color": None if declared.line_color is None else list(declared.line_color),
    }


def box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """(x, y, width, height) of what a bool (h, w) mask holds; of an empty one all 0."""
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    if not len(rows):
        return 0, 0, 0, 0
    x, y = int(columns[0]), int(rows[0])
    return x, y, int(columns[-1]) - x + 1, int(rows[-1]) - y + 1
