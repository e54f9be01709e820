"""Everything of a server put together and run."""

import ctypes
import logging
import sys

from resnet_in_tf.errors import UserError
from resnet_in_tf.server import restyling
from resnet_in_tf.server.jobs import Places

M_MMAP_THRESHOLD = -3
LARGE = 1 << 20  # bytes


def serve(stylizer, host, port, limits):
    """Serves until SIGTERM or SIGINT.

    Args:
        stylizer: Stylizer.
        host: str, address to bind to.
        port: int; 0 takes a free one.
        limits: restyling.Limits.

    Raises:
        UserError: the address cannot be bound to, or a package of the extra is missing.
    """
    try:
        from resnet_in_tf.server import listening
        from resnet_in_tf.server.app import create_app
    except ImportError as error:
        if error.name not in ('flask', 'waitress', 'prometheus_client', 'werkzeug'):
            raise
        raise UserError("the server needs %s: pip install 'resnet_in_tf[server]'"
                        % error.name) from None
    log_to_stderr()
    give_memory_back()
    asked, limits = limits.max_result, restyling.within_memory(limits, stylizer.model, stylizer.engine_name)
    if limits.max_result < asked:
        logging.getLogger(__name__).warning(
            'results are limited to %.1f million pixels: --max_result %g does not fit into memory',
            limits.max_result / 1e6, asked / 1e6)
    places = Places(limits.workers, limits.waiting)
    app = create_app(stylizer, places, limits)
    server, sockets = listening.open_server(app, host, port, limits)

    def on_ready():
        shown = '[%s]' % host if ':' in host else host
        bound = getattr(server, 'effective_port', None) or server.effective_listen[0][1]
        print('serving %d styles on http://%s:%s' % (len(stylizer.styles), shown, bound),
              flush=True)

    listening.run(server, sockets, places, limits.seconds + 5, on_ready)
    places.pool.shutdown()
    stylizer.close()
    print('stopped', flush=True)


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
    handler.setFormatter(logging.Formatter('%(asctime)s %(message)s'))
    for name in ('resnet_in_tf.server', 'waitress'):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
    logging.getLogger('resnet_in_tf.server').setLevel(logging.INFO)
