"""What the seam promises of itself: a call's options are attributes, a verb is called by reference."""

import pytest

from deepsim_jax.systems import contract


def echo(call):
    return call.times


def test_a_call_has_its_options_as_attributes(tmp_path):
    call = contract.Call("echo", "echo", tmp_path, {"times": 3})
    assert call.times == 3 and call.workdir == tmp_path
    with pytest.raises(AttributeError, match="nothing"):
        _ = call.nothing


def test_a_verb_is_imported_when_it_is_called(tmp_path):
    option = contract.Option("times", "int", "how often", default=1)
    verb = contract.Verb("echo", "says it again", (option,), f"{__name__}:echo")
    assert verb(contract.Call("echo", "echo", tmp_path, {"times": 2})) == 2
    missing = contract.Verb("echo", "", (), f"{__name__}:nothing")
    with pytest.raises(AttributeError):
        missing(contract.Call("echo", "echo", tmp_path, {}))
