"""What all scripts share: one line for a mistake, the exit status, --help."""

import os
import re
import shutil
import signal
import subprocess
import sys

import pytest
import running

SCRIPT = '''# -*- coding: utf-8 -*-
"""Counts things."""
import os, signal, sys
sys.path.insert(0, %r)
from absl import flags
from resnet_in_tf import cli
from resnet_in_tf.errors import UserError
flags.DEFINE_integer('count', 1, 'How many.', lower_bound=0)
flags.DEFINE_string('name', None, 'Of what.')
flags.DEFINE_multi_string('style', [], 'A painting.')

def main(values):
    cli.require(values, 'name')
    %%s

if __name__ == '__main__':
    cli.run(main)
''' % running.ROOT


@pytest.fixture
def run(tmp_path):
    def run_script(body, *flags, **environment):
        path = tmp_path / 'count.py'
        path.write_bytes((SCRIPT % body).encode('utf-8'))
        return subprocess.run([sys.executable, str(path)] + list(flags), timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=dict(os.environ, PYTHONIOENCODING='', **environment),
                              preexec_fn=running.hear_signals)
    return run_script


def test_main_gets_the_scripts_own_flags_and_its_return_value_is_the_status(run):
    result = run('print(sorted(values.items())); return cli.EXIT_SOME_FAILED', '--name=cat')
    assert result.returncode == 1 and result.stderr == b''
    assert result.stdout == b"[('count', 1), ('name', 'cat'), ('style', [])]\n"
    assert run('return cli.EXIT_OK', '--name', 'x').returncode == 0


def test_a_mistake_is_one_line_and_status_2(run):
    result = run("raise UserError('a.jpg: the file\\n is empty')", '--name=cat')
    assert (result.returncode, result.stderr) == (2, b'error: a.jpg: the file is empty\n')


@pytest.mark.parametrize('flags, words', [
    (['--count=many', '--name=x'], ['--count=many', 'invalid literal']),
    (['--count=-1', '--name=x'], ['--count=-1', 'non-negative']),
    (['--cuont=1', '--name=x'], ['cuont', 'Did you mean: count']),
    (['--name'], ['--name']),
    ([], ['--name is missing, see --help']),
    (['--name='], ['--name is missing, see --help']),
    (['--name=x', '--style', 'a.jpg', 'b.jpg'], ['b.jpg', 'flags', '--help'])])
def test_a_bad_flag_is_one_line_that_names_it_and_status_2(run, flags, words):
    result = run('print(1)', *flags)
    message = result.stderr.decode()
    assert result.returncode == 2 and message.startswith('error: ') and message.count('\n') == 1
    assert all(word in message for word in words) and result.stdout == b''


def test_help_lists_the_flags_and_is_no_failure(run):
    for flag in ('--help', '--helpfull'):
        result = run('print(1)', flag)
        assert result.returncode == 0 and result.stderr == b''
        assert b'Counts things.' in result.stdout and b'--count: How many.' in result.stdout


def test_a_bug_is_a_traceback(run):
    result = run('return [][1]', '--name=x')
    assert result.returncode == 1 and b'Traceback' in result.stderr and b'IndexError' in result.stderr


def test_ctrl_c_outside_training_is_a_word_and_the_usual_status(run):
    result = run('os.kill(os.getpid(), signal.SIGINT); import time; time.sleep(30)', '--name=x')
    assert (result.returncode, result.stderr) == (128 + signal.SIGINT, b'stopped\n')


@pytest.fixture
def started(run, tmp_path):
    """Starts a script that says when it is in its main part: a Popen that has got so far."""
    processes = []

    def start(body):
        run('return 0', '--name=x')
        (tmp_path / 'count.py').write_text(SCRIPT % ("print('here'); " + body))
        processes.append(running.start([sys.executable, str(tmp_path / 'count.py'), '--name=x']))
        assert processes[-1].stdout.readline() == 'here\n'
        return processes[-1]
    yield start
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


# A call that comes back to Python for nobody, as a long pass of TensorFlow's.
STUCK = ("import ctypes; lock, library = ctypes.create_string_buffer(64), ctypes.CDLL(None); "
         "library.pthread_mutex_lock(lock); print('stuck'); library.pthread_mutex_lock(lock)")
OWN = "signal.signal(signal.SIGTERM, lambda *_: os._exit(7)); print('set'); import time; time.sleep(600)"


def test_sigterm_is_a_word_and_the_usual_status(started):
    process = started('import time; time.sleep(600)')
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=60)[1] == 'stopped\n'
    assert process.returncode == 128 + signal.SIGTERM


def test_sigterm_ends_a_script_that_is_deep_in_native_code(started):
    process = started(STUCK)
    assert process.stdout.readline() == 'stuck\n'
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 128 + signal.SIGTERM


def test_sigterm_in_the_middle_of_an_import_raises_nothing_there(started, tmp_path):
    """Native modules crash on an exception while they are set up."""
    (tmp_path / 'slow.py').write_text("""
import time
try:
    print('importing', flush=True)
    time.sleep(600)
finally:
    print('an exception', flush=True)
""")
    process = started('sys.path.insert(0, %r); import slow' % str(tmp_path))
    assert process.stdout.readline() == 'importing\n'
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert err == 'stopped\n' and 'exception' not in out
    assert process.returncode == 128 + signal.SIGTERM


def test_sigterm_lets_a_script_tidy_up(started, tmp_path):
    process = started("""
    import tempfile, time
    with tempfile.TemporaryDirectory(dir=%r):
        print('inside')
        time.sleep(600)""" % str(tmp_path))
    assert process.stdout.readline() == 'inside\n'
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 128 + signal.SIGTERM
    assert os.listdir(str(tmp_path)) == ['count.py']


def test_what_handles_sigterm_itself_goes_on_to(started):
    process = started(OWN)
    assert process.stdout.readline() == 'set\n'
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 7


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which('unshare'),
                    reason='SIGTERM TO PROCESS 1 IS NOT TESTED: a process space of its own needs root')
def test_sigterm_ends_a_script_that_is_process_1_as_in_a_container(run, tmp_path):
    run('return 0', '--name=x')
    (tmp_path / 'count.py').write_text(SCRIPT % 'print(os.getpid()); import time; time.sleep(600)')
    process = running.start(['unshare', '--pid', '--fork', '--kill-child', sys.executable,
                             str(tmp_path / 'count.py'), '--name=x'])
    try:
        if process.stdout.readline() != '1\n':
            process.kill()
            pytest.skip('SIGTERM TO PROCESS 1 IS NOT TESTED: ' + process.stderr.read().strip())
        with open('/proc/%d/task/%d/children' % (process.pid, process.pid)) as file:
            os.kill(int(file.read()), signal.SIGTERM)
        assert process.communicate(timeout=60)[1] == 'stopped\n'
        assert process.returncode == 128 + signal.SIGTERM
    finally:
        process.kill()
        process.wait()


def test_a_reader_that_goes_away_is_no_traceback_and_no_success(run, tmp_path):
    run('for n in range(99999): print(n)', '--name=x')
    process = subprocess.Popen([sys.executable, str(tmp_path / 'count.py'), '--name=x'],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline() == b'0\n'
    process.stdout.close()
    assert process.stderr.read() == b'' and process.wait(60) == 128 + signal.SIGPIPE


def test_lines_come_at_once_where_output_is_no_terminal(run, tmp_path):
    run('print(1)', '--name=x')
    path = tmp_path / 'count.py'
    path.write_text(SCRIPT % "print('first'); sys.stdin.read()")
    process = subprocess.Popen([sys.executable, str(path), '--name=x'], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    assert process.stdout.readline() == b'first\n'  # while the script still waits for its input
    process.stdin.close()
    assert process.stdout.read() == b'' and process.wait(60) == 0


def test_letters_that_the_terminal_lacks_do_not_stop_a_script(run):
    result = run("print('caf\\u00e9'); return 0", '--name=x', LC_ALL='POSIX', PYTHONCOERCECLOCALE='0',
                 PYTHONUTF8='0')
    assert result.returncode == 0 and result.stdout.startswith(b'caf')


@pytest.fixture
def redirected(run, tmp_path):
    """Runs a script under a shell's redirections: (status, rest of stdout, what it did)."""
    def run_script(redirection, body='pass'):
        run("%s\n    print('caf\\u00e9' * 3000); print('x', file=sys.stderr); print('last')\n"
            "    open(values['name'], 'w').write('done'); print('more'); return cli.EXIT_OK" % body,
            '--name=%s' % (tmp_path / 'first'))
        assert (tmp_path / 'first').read_text() == 'done'
        command = '"%s" "%s" --name="%s" %s' % (sys.executable, tmp_path / 'count.py', tmp_path / 'done',
                                                redirection)
        result = subprocess.run(['sh', '-c', command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                timeout=60)
        return result, tmp_path / 'done'
    return run_script


@pytest.mark.parametrize('redirection', [
    '>&-', '2>&-', '>&- 2>&-', '<&- >&- 2>&-', '<&-', '>/dev/full', '2>/dev/full', '>/dev/full 2>/dev/full',
    '>&- 2>/dev/full'])
def test_the_work_is_done_where_words_cannot_be_said(redirected, redirection):
    result, done = redirected(redirection)
    assert result.returncode == 0 and done.read_text() == 'done'
    assert b'Traceback' not in result.stderr + result.stdout
    if redirection == '>/dev/full':
        assert result.stderr == b'x\nwarning: standard output is cut short (No space left on device)\n'


def test_a_file_never_gets_the_words_of_a_closed_stream(redirected, tmp_path):
    _, done = redirected('>&- 2>&-', "kept = [open(values['name'] + str(n), 'w') for n in range(4)]")
    assert done.read_text() == 'done'
    assert [(tmp_path / ('done%d' % number)).read_bytes() for number in range(4)] == [b''] * 4


def test_an_error_keeps_its_status_where_it_cannot_be_said(run, tmp_path):
    run("raise UserError('no')", '--name=x')
    for redirection in ('2>&-', '2>/dev/full', '>&- 2>&-'):
        assert subprocess.call(['sh', '-c', '"%s" "%s" --name=x %s' % (
            sys.executable, tmp_path / 'count.py', redirection)], timeout=60) == 2


def test_a_script_of_commands_says_which_there_are():
    for script in ('evaluate.py', 'benchmark.py'):
        for arguments in ([], ['nope'], ['--model=x']):
            result = running.script(script, *arguments)
            assert result.returncode == 2 and result.stdout == ''
            assert result.stderr.startswith('error: the first argument is one of: ')
            assert result.stderr.count('\n') == 1
    usage = running.script('evaluate.py', '--help').stdout
    assert usage.startswith('usage: evaluate.py report|table2|survey|')
    asked = running.script('evaluate.py', 'card', '--help')
    assert asked.returncode == 0 and '--notes' in asked.stdout and '--answers' not in asked.stdout
    wrong = running.script('evaluate.py', 'card', '--nope')
    assert wrong.returncode == 2 and wrong.stderr.startswith("error: Unknown command line flag 'nope'")


@pytest.mark.parametrize('script, command', [
    ('train.py', []), ('stylize.py', []), ('serve.py', []), ('evaluate.py', ['report']),
    ('benchmark.py', ['large'])])
def test_no_number_of_any_script_may_be_infinite_or_none(script, command):
    shown = running.script(script, *(command + ['--help'])).stdout
    names = [part.split(':')[0] for part in shown.split('\n  --')[1:]
             if re.search(r'\(a (non-negative |positive )?number', part)]
    assert names, shown
    wrong = [(name, value) for name in names for value in ('nan', '1e400')]
    results = running.many([[script] + command + ['--%s=%s' % each] for each in wrong], light=True)
    for (name, _), result in zip(wrong, results):
        assert result.returncode == 2 and result.stderr.count('\n') == 1, result.stderr
        assert result.stderr.startswith('error: ') and name in result.stderr


@pytest.mark.skipif(not hasattr(os, 'register_at_fork'), reason='Python 3.6 has no hook behind fork')
def test_sigterm_to_a_forked_child_leaves_its_parent_alone():
    program = ('import os, signal, time\n'
               'from resnet_in_tf import cli\n'
               'cli.end_on_sigterm()\n'
               'ready, tell = os.pipe()\n'
               'child = os.fork()\n'
               'if not child:\n'
               '    try:\n'
               '        os.write(tell, b"1")\n'
               '        signal.pause()\n'
               '    except cli.Terminated:\n'
               '        os._exit(7)\n'
               'os.read(ready, 1)\n'
               'os.kill(child, signal.SIGTERM)\n'
               'assert os.waitpid(child, 0)[1] >> 8 == 7\n'
               'time.sleep(cli.GRACE + 0.5)  # as long as the parent would have had\n'
               'print("parent lives")\n')
    done = subprocess.run([sys.executable, '-c', program], cwd=running.ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=running.TIMEOUT)
    assert done.stdout == b'parent lives\n', done.stderr
