"""Runs the scripts as a user does: as processes of their own.

Run as a program it is what `many` starts: TensorFlow and what the scripts import are imported once, and
each command line gets a fork of that process.
"""

import collections
import glob
import itertools
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
if __name__ == '__main__':
    sys.path.insert(0, ROOT)

from resnet_in_tf import lanes  # noqa: E402

TIMEOUT = 900  # seconds: a hang fails, a busy machine does not

Result = collections.namedtuple('Result', 'returncode stdout stderr')


def argv(name, *flags, python=sys.executable):
    """The command line of a script."""
    return [python, os.path.join(ROOT, 'scripts', name)] + [str(flag) for flag in flags]


def script(name, *flags, python=sys.executable, light=False):
    """Runs a script to its end: subprocess.CompletedProcess with text output.

    `light` is for a test that runs without TensorFlow, whatever the script says then.
    """
    result = subprocess.run(argv(name, *flags, python=python), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            universal_newlines=True, timeout=TIMEOUT)
    return result if light else with_tensorflow(result)


def with_tensorflow(result):
    """A result; where there is no TensorFlow and a script wanted it, an error that skips the test."""
    if lanes.NEEDED in result.stderr and not lanes.has_tensorflow():
        raise ImportError(result.stderr, name='tensorflow')
    return result


def hear_signals():
    """In a child, before its program begins: every signal does again what it does by itself.

    Children inherit what their parent ignores or blocks, and a shell lets what it starts in the
    background ignore Ctrl-C.
    """
    for number in set(range(1, signal.NSIG)) - {signal.SIGKILL, signal.SIGSTOP}:
        try:
            signal.signal(number, signal.SIG_DFL)
        except (OSError, ValueError):  # numbers that the C library keeps for itself
            pass
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def start(command, **settings):
    """Starts a process that a test will send signals to: subprocess.Popen with text pipes."""
    pipes = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, 'universal_newlines': True}
    return subprocess.Popen(command, preexec_fn=hear_signals, **dict(pipes, **settings))


def many(commands, kills=(), light=False):
    """Runs scripts one after another at the cost of one start of TensorFlow.

    Args:
        commands: list of [script name, flag, ...].
        kills: for each of the first commands a pattern of files: once there is one, the command is killed.
        light: whether the scripts end before they need TensorFlow, which is not started then.

    Returns:
        List of Result.
    """
    commands = [[kill, name] + [str(flag) for flag in flags]
                for kill, (name, *flags) in itertools.zip_longest(kills, commands)]
    process = subprocess.run([sys.executable, os.path.abspath(__file__)] + ['light'] * light,
                             stdout=subprocess.PIPE, input=json.dumps(commands), universal_newlines=True,
                             timeout=TIMEOUT, check=True)
    return [with_tensorflow(Result(*item)) for item in json.loads(process.stdout)]


def tiny_training(paintings, photos, model_dir, **changed):
    """Flags of train.py for a run of seconds; `changed` sets others or adds to them."""
    flags = {'coco_images': photos, 'model_dir': model_dir, 'vgg_weights': 'random', 'width': 4,
             'image_size': 32, 'style_size': 64, 'batch_size': 4, 'warmup_steps': 0,
             'content_layers': 'relu2_1', 'style_layers': 'input,relu1_1,relu2_1', 'log_steps': 1}
    flags.update(changed)
    return ['--style=' + path for path in paintings] + [
        '--%s=%s' % item for item in sorted(flags.items())]


def in_fork(kill, name, flags):
    """Runs a script in a fork, until a file matches or to its end: [exit status, stdout, stderr]."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if not child:
            status = 70
            try:
                os.dup2(out.fileno(), 1)
                os.dup2(err.fileno(), 2)
                signal.alarm(TIMEOUT)
                sys.argv = [os.path.join(ROOT, 'scripts', name)] + flags
                runpy.run_path(sys.argv[0], run_name='__main__')
                status = 0
            except SystemExit as end:
                status = end.code or 0
            except BaseException:
                sys.excepthook(*sys.exc_info())
                status = 1
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        if kill:
            looks = os.WEXITED | os.WNOHANG | os.WNOWAIT
            while not os.waitid(os.P_PID, child, looks) and not glob.glob(kill):
                time.sleep(0.001)
            os.kill(child, signal.SIGKILL)
        ended = os.waitpid(child, 0)[1]
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode('utf-8', 'replace'))
        return [os.WEXITSTATUS(ended) if os.WIFEXITED(ended) else -os.WTERMSIG(ended)] + texts


if __name__ == '__main__':
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    wanted = json.load(sys.stdin)
    if lanes.has_tensorflow() and 'light' not in sys.argv:
        import tensorflow.compat.v1  # noqa: F401

        # What most scripts import once they know what to do.
        from resnet_in_tf.restyling import command, tensorflow_engine  # noqa: F401
        from resnet_in_tf.training import train  # noqa: F401
    json.dump([in_fork(kill, name, flags) for kill, name, *flags in wanted], sys.stdout)
