"""Python in a process of its own, with what it took."""

import os
import subprocess
import sys
import time

from resnet_in_tf.errors import UserError

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def run_python(arguments, what, python=sys.executable):
    """Runs Python to its end.

    Args:
        arguments: list of str, as on its command line.
        what: str that the message names.
        python: path of the Python that runs.

    Returns:
        (output, seconds, usage): str that it printed, wall time, and the resource usage of wait4.

    Raises:
        UserError: it ended with another status than 0.
    """
    environment = dict(os.environ, PYTHONPATH=ROOT, TF_CPP_MIN_LOG_LEVEL='3')
    start = time.time()
    process = subprocess.Popen([python] + arguments, stdout=subprocess.PIPE,
                               env=environment)
    output = process.stdout.read().decode()
    status, usage = os.wait4(process.pid, 0)[1:]
    process.stdout.close()
    process.returncode = status
    if status:
        raise UserError('%s failed; what it said stands above' % what)
    return output, time.time() - start, usage
