"""The helper that starts processes for tests: they hear signals, whatever the tests were started by."""

import signal
import subprocess
import sys

import running

SHOW = """
import signal
print([int(number) for number in range(1, 32) if signal.getsignal(number) == signal.SIG_IGN],
      sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))
"""
# Starts SHOW as tests start what they signal, from a process that is deaf.
DEAF = """
import signal, subprocess, sys
sys.path[:0] = %r
import running
for number in set(range(1, 32)) - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))
for settings in ({}, {'preexec_fn': running.hear_signals}):
    print(subprocess.check_output([sys.executable, '-c', %r], universal_newlines=True, **settings), end='')
""" % (sys.path, SHOW)


def test_processes_hear_signals_that_the_tests_themselves_ignore_or_block():
    plain, hearing = subprocess.check_output(
        [sys.executable, '-c', DEAF], universal_newlines=True, timeout=60).splitlines()
    assert int(signal.SIGINT) in eval(plain.rsplit('] ', 1)[0] + ']') and 'SIGTERM' in plain
    # Python itself ignores these two, in every process.
    assert hearing == '[%d, %d] []' % (signal.SIGPIPE, signal.SIGXFSZ)


def test_no_test_signals_a_process_that_it_did_not_start_so():
    """Popen by hand is for processes that are left to end by themselves."""
    import glob
    import os
    for path in glob.glob(os.path.join(running.ROOT, 'tests', '**', '*.py'), recursive=True):
        with open(path, encoding='utf-8') as file:
            text = file.read()
        if path != os.path.abspath(__file__) and '.send_signal(' in text:
            assert 'running.start(' in text or 'on_ray.start(' in text, path
