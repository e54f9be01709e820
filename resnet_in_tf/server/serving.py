"""Everything of a server put together and run."""

import ctypes
import logging
import re
import sys

from resnet_in_tf import cli
from resnet_in_tf.errors import UserError
from resnet_in_tf.server import restyling
from resnet_in_tf.server.jobs import JobQueue

logger = logging.getLogger(__name__)

M_MMAP_THRESHOLD = -3
LARGE = 1 << 20  # bytes
LONGEST_LINE = 500  # characters of a message in the log


def serve(stylizer, host, port, limits, hosts=(), origins=(), site=None):
    """Serves until SIGTERM or SIGINT, and then ends the process.

    Args:
        stylizer: Stylizer.
        host: str, address to bind to.
        port: int; 0 takes a free one.
        limits: restyling.Limits.
        hosts: names that it answers to beside localhost and `host`; '*' for any.
        origins: other sites' origins whose pages may send photos; '*' for any.
        site: folder of `freeze_graph.py --format web`, of the same network, that pages may run; or None.

    Raises:
        UserError: the address cannot be bound to, a package of the extra is missing, or `site` is damaged or
            of another network.
    """
    try:
        from resnet_in_tf.server.app import create_app
        from resnet_in_tf.server.device import open_site
        from resnet_in_tf.server.listening import Hub
        from resnet_in_tf.server.metrics import Metrics
        from resnet_in_tf.server.security import Access
    except ImportError as error:
        if error.name not in ('flask', 'h11', 'prometheus_client', 'werkzeug'):
            raise
        raise UserError("the server needs %s: pip install 'resnet_in_tf[server]'"
                        % error.name) from None
    device = open_site(site, stylizer.style_names, stylizer.card) if site else None
    log_to_stderr()
    give_memory_back()
    side = stylizer.style_images.size if stylizer.style_images else 0
    asked, limits = limits, restyling.within_memory(limits, stylizer.engine, side)
    for flag, name, what in (('max_result', 'max_result', 'results'), ('max_photo', 'max_pixels', 'photos')):
        if getattr(limits, name) < getattr(asked, name):
            logger.warning('%s are limited to %.1f million pixels: --%s %g does not fit into memory',
                           what, getattr(limits, name) / 1e6, flag, getattr(asked, name) / 1e6)
    if side and not limits.style_images:
        logger.warning('style images are not taken: to see one at %d pixels does not fit into memory', side)
    jobs = JobQueue(limits.workers, limits.waiting)
    metrics = Metrics(jobs)
    access = Access(frozenset([host.lower()] + [name.lower() for name in hosts]),
                    frozenset(origin.lower().rstrip('/') for origin in origins))
    app = create_app(stylizer, jobs, limits, metrics, access, device)
    hub = Hub(app, jobs, limits, metrics.count_refusal)
    bound = hub.listen(host, port)

    def on_ready():
        shown = '[%s]' % host if ':' in host else host
        print('serving %d styles on http://%s:%s' % (len(stylizer.styles), shown, bound), flush=True)

    if hub.run(on_ready):
        print('stopped', flush=True)
    else:
        print('stopped; what was still in work after %g s is dropped' % limits.seconds, flush=True)
    cli.leave(cli.EXIT_OK)  # a thread at work cannot be ended otherwise


def give_memory_back():
    """Has the C library return each large block to the system once it is free.

    Left alone, glibc raises that bound with use, and pictures of many sizes leave holes.
    """
    try:
        ctypes.CDLL('libc.so.6').mallopt(M_MMAP_THRESHOLD, LARGE)
    except (OSError, AttributeError):
        pass  # another C library, with habits of its own


def log_to_stderr():
    """Logs each request and each failure as a line on stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine('%(asctime)s %(message)s'))
    for name in ('resnet_in_tf.server', 'asyncio'):
        log = logging.getLogger(name)
        log.handlers, log.propagate = [handler], False
    logging.getLogger('resnet_in_tf.server').setLevel(logging.INFO)


class OneLine(logging.Formatter):
    """A line a record, whatever it quotes: control characters are escaped, tracebacks indented."""

    def formatMessage(self, record):  # noqa: N802
        record.message = printable(record.message)
        return super().formatMessage(record)

    def formatException(self, info):  # noqa: N802
        return '\n'.join('    ' + printable(line)
                         for line in re.split('\r\n|[\r\n]', super().formatException(info)))


def printable(text, longest=LONGEST_LINE):
    """Text with control characters as escapes, cut where it is longer than a line should be."""
    shown = ''.join(letter if letter.isprintable() else letter.encode(
        'unicode_escape', 'surrogatepass').decode('ascii') for letter in text[:longest])
    return shown if len(text) <= longest else shown + '...'
