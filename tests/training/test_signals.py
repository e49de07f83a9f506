import os
import signal
import threading

import pytest

from deepsim_jax.training import signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_a_wish_to_stop_and_a_second_one_an_interruption(number, caplog):
    handler = signal.getsignal(number)
    with signals.stop_requests() as stop:
        assert not stop()
        os.kill(os.getpid(), number)
        assert stop() and "stopping after this step" in caplog.text
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) is handler


def test_other_threads_leave_the_signals_alone():
    handler, seen = signal.getsignal(signal.SIGINT), []

    def ask():
        with signals.stop_requests() as stop:
            seen.extend([stop(), signal.getsignal(signal.SIGINT)])

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert seen == [False, handler]


def test_of_several_processes_jax_gets_what_ends_a_process(monkeypatch):
    monkeypatch.setattr(signals.jax.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(signals.jax, "process_count", lambda: 2)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with signals.stop_requests():
        assert signal.getsignal(signal.SIGTERM) is handlers[signal.SIGTERM]
        assert signal.getsignal(signal.SIGINT) is not handlers[signal.SIGINT]
    assert signal.getsignal(signal.SIGINT) is handlers[signal.SIGINT]
