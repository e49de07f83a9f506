"""What the console shows, and with which exit code a command ends."""

import io
import logging
import sys

from deepsim_jax.commands import console
from deepsim_jax.errors import UserError


def raising(error):
    def do():
        raise error

    return do


def test_exit_codes_and_one_line_for_an_error(capsys):
    assert console.guard(lambda: None) == 0 and console.guard(lambda: 130) == 130
    assert console.guard(raising(UserError("two\n  lines"))) == 2
    assert capsys.readouterr().err == "error: two lines\n"
    assert console.guard(raising(KeyboardInterrupt())) == console.INTERRUPTED == 130
    assert "the same command goes on" in capsys.readouterr().err


def test_a_warning_says_that_it_is_one(capsys):
    console.start("100% cat: ")
    log = logging.getLogger("deepsim_jax")
    log.info("%s", "trained")
    log.warning("%s", "odd")
    assert capsys.readouterr().err == "100% cat: trained\nwarning: 100% cat: odd\n"


def test_a_name_that_the_console_cannot_print_is_escaped(monkeypatch):
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", narrow)
    console.start()
    print("runs/кот")
    narrow.flush()
    assert narrow.buffer.getvalue() == b"runs/\\u043a\\u043e\\u0442\n"
