"""What every script shares: flags to arguments, one line for a user's error, exit statuses."""

import logging
import os
import signal
import sys
import warnings

from absl import app, flags

from resnet_in_tf.errors import UserError

EXIT_OK, EXIT_SOME_FAILED, EXIT_UNUSABLE, EXIT_STOPPED = 0, 1, 2, 3


def run(main):
    """Runs a script: `main(arguments)` gets a dict of its flags and returns an exit status.

    A UserError, or a flag that absl refuses, is one line on stderr and exit status 2.
    """
    def parse(argv):
        try:
            rest = flags.FLAGS(argv)
        except flags.Error as error:
            fail(error)
        except SystemExit:  # --help has been shown, for which absl's status is 1
            sys.exit(EXIT_OK)
        if len(rest) > 1:
            fail('%s: arguments are given as flags, see --help' % rest[1])
        return rest

    def guarded(argv):
        try:
            return main(arguments(argv[0]))
        except UserError as error:
            fail(error)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 128 + signal.SIGPIPE
        except KeyboardInterrupt:
            print('stopped', file=sys.stderr)
            return 128 + signal.SIGINT

    quiet()
    plain_lines()
    app.run(guarded, flags_parser=parse)


def fail(error):
    """Prints one line on stderr and ends the program with status 2."""
    print('error: ' + ' '.join(str(error).split()), file=sys.stderr)
    sys.exit(EXIT_UNUSABLE)


def leave(status):
    """Ends the program at once: TensorFlow's own tear-down takes a second and gives nothing."""
    sys.stdout.flush()
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
    """Makes stdout show each line at once, and '?' for a letter that the terminal lacks."""
    sys.stdout = open(sys.stdout.fileno(), 'w', 1, sys.stdout.encoding, 'replace', closefd=False)


def progress_bar(total, unit):
    """A progress bar on stderr, silent where stderr is no terminal."""
    from tqdm import tqdm
    return tqdm(total=total, unit=unit, disable=not sys.stderr.isatty(), dynamic_ncols=True)
