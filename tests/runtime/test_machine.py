import json
import platform

import jax

from deepsim_jax import version
from deepsim_jax.runtime import machine


def test_a_machine_is_described_in_json_values():
    found = json.loads(json.dumps(machine.describe()))
    assert found["jax"] == jax.__version__ and found["python"] == platform.python_version()
    assert found["deepsim_jax"] == version.__version__
    assert found["cores"] >= 1 and len(found["devices"]) == jax.device_count()
    assert found["date"].endswith("+00:00") and found["processor"] is not None
