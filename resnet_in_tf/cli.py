"""What every script shares: flags to arguments, one line for a user's error, exit statuses."""

import io
import logging
import os
import signal
import sys
import threading
import time
import warnings

from absl import app, flags

from resnet_in_tf import lanes
from resnet_in_tf.errors import UserError

EXIT_OK, EXIT_SOME_FAILED, EXIT_UNUSABLE, EXIT_STOPPED = 0, 1, 2, 3
GRACE = 2  # seconds that SIGTERM leaves to tidy up; `docker stop` gives 10


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a script the way Ctrl-C does."""


def run_command(commands):
    """Runs a script whose first argument says what to do.

    Args:
        commands: dict of name -> (function that defines the command's flags, its main as for `run`).
    """
    usage = '%s %s, then its flags; COMMAND --help lists them' % (
        os.path.basename(sys.argv[0]), '|'.join(commands))
    asked = sys.argv[1] if len(sys.argv) > 1 else ''
    if asked in ('-h', '-?', '--help', '--helpfull', 'help'):
        print('usage: ' + usage)
        sys.exit(EXIT_OK)
    if asked not in commands:
        fail('the first argument is one of: %s; COMMAND --help lists its flags' % ', '.join(commands))
    define_flags, main = commands[asked]
    define_flags()
    run(main, sys.argv[:1] + sys.argv[2:])


def run(main, argv=None):
    """Runs a script: `main(arguments)` gets a dict of its flags and returns an exit status.

    A UserError, or a flag that absl refuses, is one line on stderr and exit status 2.

    Args:
        main: function of a dict.
        argv: list of str in place of sys.argv.
    """
    def parse(argv):
        try:
            rest = flags.FLAGS(argv)
        except flags.Error as error:
            fail(error)
        except SystemExit:  # --help has been shown, for which absl's status is 1
            sys.exit(EXIT_OK)
        for name, value in arguments(argv[0]).items():
            # absl's bounds let NaN through, and without a bound infinity; float32 ends at 3.4e38.
            if isinstance(value, float) and not abs(value) < 3e38:
                fail('--%s %s: it must be a finite number' % (name, value))
        if len(rest) > 1:
            fail('%s: arguments are given as flags, see --help' % rest[1])
        return rest

    def guarded(argv):
        try:
            status = main(arguments(argv[0]))
            tell_what_is_lost()
            return status
        except UserError as error:
            fail(error)
        except ImportError as error:
            explained = lanes.explain(error, os.path.basename(argv[0]))
            if explained is error:
                raise
            fail(explained)
        except BrokenPipeError:
            end_broken()
            return 128 + signal.SIGPIPE

    try:
        plain_lines()
        end_on_sigterm()
        quiet()
        app.run(guarded, argv, flags_parser=parse)
    except KeyboardInterrupt as stop:
        print('stopped', file=sys.stderr)
        sys.exit(128 + (signal.SIGTERM if isinstance(stop, Terminated) else signal.SIGINT))


def end_on_sigterm():
    """Ends the script on SIGTERM, with status 143, unless what it runs handles the signal itself.

    Process 1 of a container ignores SIGTERM until there is a handler. Python's handlers wait for
    TensorFlow to come back, which can take minutes: a thread sees to it that the end comes anyway.
    """
    if os.name == 'nt':  # Windows has no SIGTERM that another process could send
        return

    def handler(number, frame):
        while frame:
            if 'importlib' in frame.f_code.co_filename:  # an exception here can crash native modules
                os.write(2, b'stopped\n')  # print may be what was interrupted
                os._exit(128 + number)
            frame = frame.f_back
        raise Terminated

    def watch():
        while os.read(heard, 1) != bytes([signal.SIGTERM]) or signal.getsignal(signal.SIGTERM) != handler:
            pass
        time.sleep(GRACE)
        os._exit(128 + signal.SIGTERM)

    heard, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told)
    if hasattr(os, 'register_at_fork'):  # what a child is sent is no business of this process
        os.register_at_fork(after_in_child=lambda: signal.set_wakeup_fd(-1))
    threading.Thread(target=watch, daemon=True).start()
    signal.signal(signal.SIGTERM, handler)


def fail(error):
    """Prints one line on stderr and ends the program with status 2."""
    print('error: ' + ' '.join(str(error).split()), file=sys.stderr)
    sys.exit(EXIT_UNUSABLE)


def leave(status):
    """Ends the program at once: TensorFlow's own tear-down takes a second and gives nothing."""
    sys.stdout.flush()
    tell_what_is_lost()
    sys.stderr.flush()
    os._exit(status)


def arguments(script):
    """The flags that a script itself defines, by name."""
    return {flag.name: flag.value for flag in flags.FLAGS.flags_by_module_dict()[script]}


def require(values, *names):
    """Raises UserError where a flag was left out."""
    for name in names:
        if values[name] in (None, [], ''):
            raise UserError('--%s is missing, see --help' % name)


def quiet():
    """Hushes TensorFlow's start-up chatter; errors still come through."""
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')  # 2 lets 'no GPU here' through as an error
    logging.getLogger('tensorflow').setLevel(logging.CRITICAL)  # what it logs is raised, too
    warnings.filterwarnings('ignore', category=FutureWarning)
    warnings.filterwarnings('ignore', category=DeprecationWarning)
    warnings.filterwarnings('ignore', message='.*batch_normalization. is deprecated')


def plain_lines():
    """Makes stdout and stderr show each line at once, and '?' for a letter that the terminal lacks.

    Neither has to be there: what cannot be said is lost, and the work is not.
    """
    for descriptor in (0, 1, 2):  # else the next file that is opened takes the place, and the words
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    for name, descriptor, errors in (('stdout', 1, 'replace'), ('stderr', 2, 'backslashreplace')):
        before = getattr(sys, name)
        raw = Output(descriptor if before is None else before.fileno(), before is not None)
        setattr(sys, name, io.TextIOWrapper(io.BufferedWriter(raw), getattr(before, 'encoding', 'utf-8'),
                                            errors, line_buffering=True))


class Output(io.FileIO):
    """A stream of words that can be lost, when a disk is full, without an end to the work.

    Args:
        descriptor: int.
        wanted: whether anybody gave the stream; else it leads nowhere.
    """

    def __init__(self, descriptor, wanted=True):
        super().__init__(descriptor if wanted else os.open(os.devnull, os.O_WRONLY), 'w', closefd=False)
        self.lost = None

    def write(self, data):
        """Writes bytes; a reader that has left is the one error."""
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            self.lost = error
            return len(data)


def end_broken():
    """Sends nowhere what a stream still holds for a reader that has left."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def tell_what_is_lost():
    """Says on stderr that stdout could not be written."""
    lost = getattr(getattr(getattr(sys.stdout, 'buffer', None), 'raw', None), 'lost', None)
    if lost:
        print('warning: standard output is cut short (%s)' % lost.strerror, file=sys.stderr)


def progress_bar(total, unit, wanted=True, done=0):
    """A bar on stderr, silent where that is no terminal or it is not wanted; `done` were there before."""
    if not (wanted and sys.stderr.isatty()):
        return Silence(total, done)
    from tqdm import tqdm
    return tqdm(total=total, unit=unit, initial=done, dynamic_ncols=True)


class Silence:
    """A bar that nobody sees, with what scripts ask of tqdm's.

    Args:
        total, n: int, how many there are to do, and how many are done.
    """

    def __init__(self, total, n):
        self.total, self.n = total, n

    def update(self, n=1):
        """Counts."""
        self.n += n

    def set_postfix_str(self, text, refresh=True):
        """Says nothing."""

    def clear(self):
        """Nothing stands in the way of a line."""

    def close(self):
        """Nothing is left to close."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()
