"""What signals do to a command: they end it, whatever it does."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from processes import ends, runs

from snn2rtl import cli

# a lock of C that is taken twice: nothing of Python runs in this thread any more, and no signal ends the call
STUCK = """
    import ctypes, os, sys
    from snn2rtl import cli, signals
    from snn2rtl.commands import measure
{more}
    def run(args):
        lock = ctypes.create_string_buffer(64)
        libc = ctypes.CDLL(None)
        libc.pthread_mutex_lock(lock)
        os.write(1, b"now")
        libc.pthread_mutex_lock(lock)

    measure.run = run
    signals.GRACE_S = 0.5
    sys.exit(cli.main(["measure", "x.npz", "--data", "x"]))
"""


def stuck(more: str = "") -> "subprocess.Popen[bytes]":
    code = textwrap.dedent(STUCK.format(more=more))
    command = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert command.stdout
    assert command.stdout.read(3) == b"now"
    return command


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_command_that_is_stuck_in_a_library_ends(number: int) -> None:
    with stuck() as command:
        command.send_signal(number)
        assert command.wait(30) == 128 + number


RUNNING = """
    import threading, time
    from pathlib import Path
    from snn2rtl.flows.process import Programs
    shell = ["sh", "-c", "echo $$ > new; mv new pid; exec sleep 60"]
    threading.Thread(target=Programs().run, args=(shell, Path({folder!r}), os.environ), daemon=True).start()
    while not Path({folder!r}, "pid").exists():
        time.sleep(0.05)
"""


def test_the_programs_of_a_stuck_command_end_with_it(tmp_path: Path) -> None:
    with stuck(RUNNING.format(folder=str(tmp_path))) as command:
        program = int((tmp_path / "pid").read_text())
        assert runs(program)
        command.send_signal(signal.SIGTERM)
        assert command.wait(30) == 128 + signal.SIGTERM
    assert ends(program)


def test_other_signals_do_not_end_it() -> None:
    with stuck("    import signal; signal.signal(signal.SIGUSR1, lambda *_: None)") as command:
        command.send_signal(signal.SIGUSR1)
        with pytest.raises(subprocess.TimeoutExpired):
            command.wait(2)
        command.kill()


def test_a_signal_to_a_process_that_was_forked_is_its_own() -> None:
    code = """
        import os, signal, sys, time
        from snn2rtl import signals
        signals.GRACE_S = 0.2
        with signals.ending_signals(lambda: None):
            child = os.fork()
            if not child:
                signal.signal(signal.SIGTERM, lambda *_: os._exit(7))
                os.kill(os.getpid(), signal.SIGTERM)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
            time.sleep(1)
        print("done")
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_after_a_command_signals_mean_what_they_did(monkeypatch: pytest.MonkeyPatch) -> None:
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)]
    files = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        assert cli.main(["measure", "nowhere.npz", "--data", "x"]) == 1
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)] == handlers
    assert signal.set_wakeup_fd(-1) == -1
    assert len(os.listdir("/proc/self/fd")) <= files + 1, "the last thread may still close its end"


def test_what_nohup_ignores_is_ignored() -> None:
    code = """
        import signal
        from snn2rtl import cli
        from snn2rtl.commands import measure
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        measure.run = lambda _: print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)
        cli.main(["measure", "x.npz", "--data", "x"])
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
