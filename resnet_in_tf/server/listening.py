"""The socket: waitress with JSON errors, and a stop that lets what runs come to its end."""

import logging
import signal
import time

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import BaseWSGIServer, create_server
from waitress.task import ErrorTask
from waitress.utilities import RequestEntityTooLarge

from resnet_in_tf.errors import UserError
from resnet_in_tf.server import problems

logger = logging.getLogger(__name__)

SWALLOWED = 10  # times the upload limit that is read to its end, so that the client sees the answer
SPARE_THREADS = 4  # for the page, /healthz and refusals, while all places are taken


def open_server(app, host, port, limits):
    """Binds the socket.

    Args:
        app: WSGI application.
        host: str, address to bind to.
        port: int; 0 takes a free one.
        limits: restyling.Limits.

    Returns:
        (server, its map of sockets).

    Raises:
        UserError: the address cannot be bound to.
    """
    sockets = {}
    try:
        server = create_server(
            app, map=sockets, host=host, port=port, ident=None,
            threads=limits.workers + limits.waiting + SPARE_THREADS,
            max_request_body_size=limits.max_upload + 1,
            channel_request_lookahead=1,  # else waitress does not see that a client left
            asyncore_use_poll=True)
    except OSError as error:
        raise UserError('--host %s --port %d: %s' % (host, port, error.strerror or error)) from None
    except ValueError:
        raise UserError('--host %s: no such address on this machine' % host) from None
    logging.getLogger('waitress.queue').setLevel(logging.ERROR)
    for listener in list(sockets.values()):
        if isinstance(listener, BaseWSGIServer):
            listener.channel_class = _channel_class(limits)
    return server, sockets


def run(server, sockets, places, seconds, on_ready=lambda: None):
    """Serves until SIGTERM or SIGINT, then ends what runs, answers it, and returns.

    Args:
        server, sockets: of `open_server`.
        places: jobs.Places.
        seconds: float, how long a stop may take before what is left is dropped.
        on_ready: called once signals are handled.
    """
    triggers = [listener.trigger for listener in sockets.values()
                if isinstance(listener, BaseWSGIServer)]

    def stop(number, frame):
        places.stop()
        signal.signal(number, signal.SIG_DFL)  # who asks twice means it
        for trigger in triggers:
            trigger.pull_trigger()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    on_ready()
    while not places.stopping:
        _poll(sockets, 1.0)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and (places.taken or _is_talking(sockets)):
        _poll(sockets, 0.05)
    server.task_dispatcher.shutdown(timeout=1)
    wasyncore.close_all(sockets)


def _poll(sockets, seconds):
    wasyncore.loop(timeout=seconds, use_poll=True, map=sockets, count=1)


def _is_talking(sockets):
    return any(isinstance(channel, HTTPChannel) and
               (channel.requests or channel.request or channel.total_outbufs_len)
               for channel in list(sockets.values()))


def _channel_class(limits):
    """A channel that words its errors as the application does."""
    class Parser(HTTPRequestParser):
        """Reads on past a body that is too large: a client that still sends reads no answer."""
        left = 0

        def received(self, data):
            if self.left:
                used = min(self.left, len(data))
                self.left -= used
                self.completed = not self.left
                return used
            used = super().received(data)
            if isinstance(self.error, RequestEntityTooLarge):
                if (not self.expect_continue
                        and 0 < self.content_length <= SWALLOWED * limits.max_upload):
                    self.left, self.completed = self.content_length, False
                self.expect_continue = False  # who asked first hears no before sending
            return used

    class Errors(ErrorTask):
        def execute(self):
            error = self.request.error
            problem = (problems.upload_too_large(limits)
                       if isinstance(error, RequestEntityTooLarge) else
                       problems.Problem(error.code, error.reason.lower().replace(' ', '_'),
                                        str(error.body)))
            body = problem.body().encode('utf-8')
            self.status = '%d %s' % (error.code, error.reason)
            self.response_headers += [('Content-Type', 'application/json'),
                                      ('Connection', 'close')]
            self.close_on_finish = True
            self.content_length = len(body)
            logger.info('refused before the application: %d %s', error.code, error.reason)
            self.write(body)

    class Channel(HTTPChannel):
        parser_class = Parser
        error_task_class = Errors

    return Channel
