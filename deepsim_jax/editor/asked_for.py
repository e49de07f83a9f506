"""What a request asks for, read strictly: numbers, texts and objects by name."""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request

from deepsim_jax.editor import messages
from deepsim_jax.errors import UserError

MOST_ACTIONS = 256
"""That one document may be made by."""

_NEEDED: Any = object()


def number(asked: Mapping[str, Any], name: str, default: Any = _NEEDED) -> Any:
    """The whole number of a name; the default where it is not there, if there is one.

    Raises:
      UserError: it is missing or something else.
    """
    value = asked.get(name, default)
    if value is default and default is not _NEEDED:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise UserError(f"{name}: a whole number is needed")
    return int(value)


def text(asked: Mapping[str, Any], name: str, default: Any = _NEEDED) -> Any:
    """The text of a name; as `number`."""
    value = asked.get(name, default)
    if value is default and default is not _NEEDED:
        return default
    if not isinstance(value, str):
        raise UserError(f"{name}: a text is needed")
    return value


def object_of(asked: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The object of a name, which has to be there."""
    value = asked.get(name)
    if not isinstance(value, dict):
        raise UserError(f"{name}: an object is needed")
    return value


def actions(asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The actions that "action" or "actions" hold; none where neither is there."""
    several = asked.get("actions")
    if several is None:
        several = [] if asked.get("action") is None else [asked["action"]]
    if not isinstance(several, list) or len(several) > MOST_ACTIONS:
        raise UserError(f"actions: a list of at most {MOST_ACTIONS} is needed")
    if not all(isinstance(action, dict) for action in several):
        raise UserError("action: an object is needed")
    return several


def query(request: Request, name: str, kind: Callable[[str], Any] = int) -> Any:
    """A number of an address' query, or None; raises `UserError` where it is something else."""
    given = request.query_params.get(name)
    if given is None:
        return None
    try:
        value = kind(given)
        if not abs(value) <= messages.LARGEST:
            raise ValueError
    except ValueError as error:
        raise UserError(f"{name}: a number is needed") from error
    return value
