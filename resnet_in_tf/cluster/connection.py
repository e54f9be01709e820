"""Ray: found, started on this machine or joined, and left again."""

import contextlib
import logging
import os
import re
import signal
import sys
import threading

from resnet_in_tf.errors import UserError

AUTO, CLIENT, LOCAL = 'auto', 'ray://', 'local:'
STORE = 100 * 2 ** 20  # bytes that Ray keeps in memory for what is sent: the network
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def parse(text, cores):
    """What --cluster says.

    Args:
        text: 'auto', 'ray://HOST:PORT' or 'local:N'.
        cores: int, this machine's.

    Returns:
        dict of arguments of ray.init.

    Raises:
        UserError: it is none of these.
    """
    local = re.fullmatch(r'local:(\d{1,4})', text)
    if local and int(local.group(1)):
        return {'address': 'local', 'num_cpus': int(local.group(1)) * cores_of_each(text, cores),
                'include_dashboard': False, 'object_store_memory': STORE}
    if text != AUTO and not re.fullmatch(r'ray://[^\s/:]+:\d{1,5}', text):
        raise UserError('--cluster %s: is auto, for the Ray cluster of this machine, ray://HOST:PORT, or '
                        'local:N for N workers on this machine' % text)
    return {'address': text}


def cores_of_each(text, cores):
    """Cores of each of N workers of this machine; None for a cluster that runs already."""
    return max(1, cores // int(text[len(LOCAL):])) if text.startswith(LOCAL) else None


def find():
    """The module ray; UserError where it is not installed."""
    os.environ.setdefault('RAY_USAGE_STATS_ENABLED', '0')
    try:
        import ray
    except ImportError as error:
        raise UserError("--cluster needs Ray: pip install 'resnet_in_tf[cluster]'%s" % (
            ', which has none for Python 3.6: take 3.7 or later' if sys.version_info < (3, 7) else '')
                        ) from error
    return ray


@contextlib.contextmanager
def connected(text, cores):
    """Joins a cluster, or starts one here, for a block.

    Args:
        text, cores: as in `parse`.

    Yields:
        The module ray. Meanwhile nothing that is printed reaches standard output.

    Raises:
        UserError: as `parse`; Ray is not installed, or nothing answers there.
    """
    arguments = parse(text, cores)
    ray = find()
    if text.startswith(LOCAL):  # its workers import what this process does, and are no nicer
        os.environ.setdefault('RAY_worker_niceness', '0')
        os.environ['PYTHONPATH'] = os.pathsep.join(filter(None, [ROOT, os.environ.get('PYTHONPATH')]))
    in_main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGTERM)
    # Ray prints there what machines that died have logged, some of it as it ends.
    with open(os.devnull, 'w') as nowhere, contextlib.redirect_stdout(nowhere):
        try:
            ray.init(log_to_driver=False, logging_level=logging.CRITICAL, configure_logging=True, **arguments)
        except Exception as error:  # ConnectionError, RuntimeError and others, by what is wrong
            raise UserError('--cluster %s: no Ray cluster answers (%s); ray start --head starts one'
                            % (text, ' '.join(str(error).split())[:200])) from error
        try:
            if in_main:  # Ray has put its own there
                signal.signal(signal.SIGTERM, handler)
            yield ray
        finally:
            ray.shutdown()
