"""The names that a program uses: those of the package, and those under which modules stood before."""

import builtins

import pytest

import deepsim_jax
from deepsim_jax import api
from deepsim_jax.images import masks
from deepsim_jax.systems.deepsim.study import tables


def test_public_names_are_there_and_an_unknown_one_is_an_error():
    assert deepsim_jax.train is api.train and deepsim_jax.load is api.load
    assert {*deepsim_jax.__all__, "evaluate", "settings"} <= set(dir(deepsim_jax))
    for name in ("nothing", "images_", "sweep"):
        with pytest.raises(AttributeError, match=name):
            getattr(deepsim_jax, name)


def test_each_system_s_model_is_a_public_name():
    for name, system in (("Model", "deepsim"), ("SinganModel", "singan"), ("IganModel", "igan")):
        assert getattr(deepsim_jax, name).__module__ == f"deepsim_jax.systems.{system}.model"


def test_all_names_can_be_imported_and_hide_none_of_pythons():
    names = {}
    exec("from deepsim_jax import *", names)
    assert names["train"] is api.train and not set(deepsim_jax.__all__) & set(dir(builtins))
    assert deepsim_jax.open is api.open and "open" in dir(deepsim_jax) and "open" not in names


def test_modules_are_found_under_their_old_names_with_a_warning():
    with pytest.warns(DeprecationWarning, match="deepsim_jax.tables is deepsim_jax.systems.deepsim"):
        assert deepsim_jax.tables is tables
    from deepsim_jax import data

    with pytest.warns(DeprecationWarning, match="deepsim_jax.data.masks is deepsim_jax.images.masks"):
        assert data.masks is masks
    with pytest.raises(AttributeError, match="nothing"):
        _ = data.nothing
