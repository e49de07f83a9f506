"""The verb "table": one verb over the tables of all systems."""

import pytest

from deepsim_jax import registry


@pytest.mark.parametrize("name", [t.name for s in registry.systems() for t in s.tables if t.needs_input])
def test_a_table_needs_a_config_and_inputs(call, tmp_path, name):
    code, _, err = call("table", f"--rows={name}", f"--workdir={tmp_path / 't'}")
    assert code == 2 and "--config is needed" in err
    code, _, err = call("table", f"--rows={name}", f"--workdir={tmp_path / 't'}", "--config=quickstart")
    assert code == 2 and "--input is needed for table" in err
    assert not (tmp_path / "t").exists()
