"""Actions on a session, checked against what its tools declare."""

from collections.abc import Mapping, Sequence
from typing import Any

from deepsim_jax.errors import UserError
from deepsim_jax.systems.contract import Option, Tool


def chosen_tool(tools: Sequence[Tool], action: Any) -> Tool:
    """The tool that an action names.

    Raises:
      UserError: the action is no object, or names none of the tools.
    """
    if not isinstance(action, Mapping):
        raise UserError('action: an object with a "tool" is needed')
    for tool in tools:
        if tool.name == action.get("tool"):
            return tool
    names = ", ".join(tool.name for tool in tools)
    raise UserError(f"action: no tool {str(action.get('tool'))!r:.40}; there are {names}")


def check_options(tool: Tool, options: Mapping[str, Any]) -> None:
    """Refuses what a tool does not declare.

    Args:
      tool: the chosen one.
      options: the action's other keys; None is an option that is not given. What the hand gives
        (`Tool.takes`) is for the session to read.

    Raises:
      UserError: an option that the tool does not have, one that is missing, a number out of its range, or
        a value of another kind.
    """
    declared = {option.name: option for option in tool.options}
    for name, value in options.items():
        if name in declared:
            _check_value(declared[name], value)
        elif name not in tool.takes:
            raise UserError(f"action: {tool.name} has no option {name!r:.40}")
    for option in tool.options:
        if option.is_needed and options.get(option.name) is None:
            raise UserError(f"action: {tool.name} needs {option.name!r}")


def _check_value(option: Option, value: Any) -> None:
    if value is None:
        return
    told = f"action: {option.name}={value!r:.40}"
    if option.kind == "bool" and not isinstance(value, bool):
        raise UserError(f"{told}: true or false is needed")
    if option.kind not in ("int", "float"):
        return
    kinds = int if option.kind == "int" else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise UserError(f"{told}: a number is needed")
    low, high = option.low, option.high
    if (low is not None and value < low) or (high is not None and value > high):
        bounds = f"at least {low:g}" if high is None else f"{low:g} to {high:.10g}"
        raise UserError(f"{told}: allowed are {bounds}")
