import os
import signal
import threading

import pytest
from sqlalchemy import create_engine, text

from workbench.interrupts import put_off
from workbench.tracking import Tracker


def press():
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_waits_for_the_next_check():
    before = signal.getsignal(signal.SIGINT)
    done = []
    with pytest.raises(KeyboardInterrupt), put_off() as ctrl_c:
        ctrl_c.check()
        press()
        done.append("what must not be torn apart")
        ctrl_c.check()
        done.append("more")
    assert done == ["what must not be torn apart"]
    assert signal.getsignal(signal.SIGINT) is before


def test_pressed_twice_it_interrupts_at_once():
    done = []
    with pytest.raises(KeyboardInterrupt), put_off():
        press()
        done.append("first")
        press()
        done.append("second")
    assert done == ["first"]


def test_in_another_thread_nothing_changes():
    found = []

    def work():
        with put_off() as ctrl_c:
            ctrl_c.check()
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGINT)]


def test_a_write_torn_apart_does_not_keep_the_end_of_the_run_from_being_written(new_store):
    """The interrupted frame holds a connection in the middle of a transaction."""
    tracker = Tracker(new_store)
    engine = create_engine(tracker.uri)

    def torn():
        connection = engine.connect()
        connection.execute(text("update experiments set name = name"))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), tracker.run("torn", {}, "d") as run:
        torn()
    assert tracker.client.get_run(run.id).info.status == "KILLED"
