from types import SimpleNamespace

import jax
import pytest

from deepsim_jax.runtime import compilation


def options(monkeypatch, backend, version):
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    client = SimpleNamespace(platform_version=version)
    monkeypatch.setattr(jax, "devices", lambda: [SimpleNamespace(client=client)])
    return compilation.options()


def test_cuda_gets_graphs_with_convolutions_and_loops_whose_kernels_overlap(monkeypatch):
    given = options(monkeypatch, "gpu", "PJRT C API\ncuda 13000")
    graphed = given["xla_gpu_enable_command_buffer"].split(",")
    assert {"CONVOLUTION", "WHILE", "FUSION"} <= set(graphed)
    assert given["xla_gpu_command_buffer_scheduling_mode"] == "CONCURRENT"


@pytest.mark.parametrize("backend, version", [("gpu", "PJRT C API\nrocm 60300"), ("tpu", "libtpu 0.0")])
def test_other_accelerators_compile_as_they_do(monkeypatch, backend, version):
    assert options(monkeypatch, backend, version) == {}


def test_a_cpus_level_is_the_users_where_there_is_one(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=2")
    assert options(monkeypatch, "cpu", "") == {}
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=here")
    assert options(monkeypatch, "cpu", "") == {"xla_backend_optimization_level": 1}


def test_a_cpu_knows_its_options(monkeypatch):
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    step = jax.jit(lambda x: x + 1).lower(1.0)
    assert step.compile(compilation.options())(1.0) == 2.0
