"""The sockets: bounded connections, requests handed to threads, and a stop with a bound.

asyncio holds the connections, however slow their clients are; threads only ever work.
"""

import asyncio
import concurrent.futures
import contextlib
import logging
import os
import signal
import socket
import sys
from urllib.parse import unquote_to_bytes

from werkzeug.wrappers import Response

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore

from resnet_in_tf.errors import UserError
from resnet_in_tf.server import problems
from resnet_in_tf.server.connection import ANSWERING, LINGERING, WORKING, Connection
from resnet_in_tf.server.restyling import SPARE

logger = logging.getLogger(__name__)

CONNECTIONS = 1000  # at once, as far as the process may open files; one more, and the oldest goes
OTHER_FILES = 128  # open files that are no connections
QUICK_THREADS = 2  # for what is answered at once: the page, /metrics
HEALTH = b'/healthz'  # has a thread of its own, and so never waits behind others
LEAST_TRANSFER = 10  # seconds that a client has at least to send its request or take its answer
TICK = 0.05  # seconds between looks at whether a stop has come to its end


class Hub:
    """All connections of a server, and what they hold.

    Args:
        app: WSGI application.
        jobs: jobs.JobQueue.
        limits: restyling.Limits.
        count: function of a status, called for each refusal that the application does not see.
    """

    def __init__(self, app, jobs, limits, count):
        self.app, self.jobs, self.limits, self.count = app, jobs, limits, count
        self.transfer_seconds = max(LEAST_TRANSFER, limits.seconds)
        self.loop = asyncio.new_event_loop()
        self.connections, self.held = set(), 0
        self.most = most_connections()
        self.health = concurrent.futures.ThreadPoolExecutor(1, 'health')
        self.quick = concurrent.futures.ThreadPoolExecutor(QUICK_THREADS, 'quick')
        self.uploads = concurrent.futures.ThreadPoolExecutor(
            limits.workers + limits.waiting + SPARE, 'upload')
        self.server = None

    def listen(self, host, port):
        """Binds the socket and returns its port.

        Raises:
            UserError: the address cannot be bound to.
        """
        try:
            self.server = self.loop.run_until_complete(self.loop.create_server(
                lambda: Connection(self), host, port, backlog=CONNECTIONS))
        except (socket.gaierror, UnicodeError):
            raise UserError('--host %s: no such address on this machine' % host) from None
        except OSError as error:
            raise UserError('--host %s --port %d: %s' % (
                host, port, os.strerror(error.errno) if error.errno else error)) from None
        return self.server.sockets[0].getsockname()[1]

    def run(self, on_ready=lambda: None):
        """Serves until SIGTERM or SIGINT, then ends what runs, answers it, and returns.

        Args:
            on_ready: called once signals are handled.

        Returns:
            bool, False where a picture was still in work after `limits.seconds`.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            try:
                self.loop.add_signal_handler(number, self._stop)  # wakes the loop, whatever thread is told
            except NotImplementedError:  # Windows
                signal.signal(number, lambda *_: self.loop.call_soon_threadsafe(self._stop))
        on_ready()
        self.loop.run_forever()
        self.server.close()
        for connection in list(self.connections):
            connection.transport.abort()
        self.loop.run_until_complete(asyncio.sleep(0))
        return not self.jobs.taken

    def opened(self, connection):
        """Counts a connection; past the bound, the one that kept the server waiting longest goes."""
        self.connections.add(connection)
        if len(self.connections) > self.most:
            self._drop_oldest([other for other in self.connections
                               if other.state != WORKING and other is not connection] or [connection])

    def closed(self, connection):
        """Forgets a connection."""
        self.hold(connection, 0)
        self.connections.discard(connection)

    def hold(self, connection, size):
        """Notes how many bytes of request or answer a connection keeps in memory.

        Answers that their clients do not take make room.

        Returns:
            bool, False where there is no room for more.
        """
        grows = size > connection.held
        self.held += size - connection.held
        connection.held = size
        while grows and self.held > self.limits.held:
            unread = [other for other in self.connections
                      if other.state == ANSWERING and other is not connection]
            if not unread:
                return False
            self._drop_oldest(unread)
        return True

    def dispatch(self, connection):
        """Has a thread answer the request that a connection has read."""
        request = connection.request
        pool = (self.health if request.target == HEALTH else
                self.uploads if request.method == b'POST' else self.quick)
        values = environ(connection)
        connection.body = None  # its one owner is now the thread
        pool.submit(self._work, connection, values)

    def _work(self, connection, values):
        try:
            response = Response.from_app(self.app, values, buffered=True)
            answer = response.status_code, response.headers.to_wsgi_list(), response.get_data()
        except Exception:
            logger.exception('the application failed')
            problem = problems.internal()
            answer = problem.status, [('Content-Type', 'application/json')], problem.body().encode('utf-8')
        self.loop.call_soon_threadsafe(connection.answer, *answer)

    def _drop_oldest(self, connections):
        oldest = min(connections, key=lambda connection: connection.since)
        logger.info('connection dropped while %s: room is needed', oldest.state)
        self.connections.discard(oldest)
        self.held, oldest.held = self.held - oldest.held, 0
        oldest.transport.abort()

    def _stop(self):
        self.jobs.stop()
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError):
                self.loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)  # who asks twice means it
        self.loop.call_soon(self._end_by, self.loop.time() + self.limits.seconds)
        for connection in list(self.connections):
            connection.stop()

    def _end_by(self, deadline):
        busy = self.jobs.taken or any(connection.state in (WORKING, ANSWERING, LINGERING)
                                      for connection in self.connections)
        if busy and self.loop.time() < deadline:
            self.loop.call_later(TICK, self._end_by, deadline)
        else:
            self.loop.stop()


def most_connections():
    """How many connections the limit of open files leaves room for."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0] if resource else CONNECTIONS
    if resource and soft == resource.RLIM_INFINITY:
        return CONNECTIONS
    return max(16, min(CONNECTIONS, soft - OTHER_FILES))


def environ(connection):
    """The WSGI environment of a request.

    Args:
        connection: Connection that has read it.

    Returns:
        dict; `resnet_in_tf.is_gone` says whether the client has left.
    """
    request = connection.request
    target = request.target.decode('ascii')
    authority = None
    if not target.startswith(('/', '*')):  # the absolute form names its host in the target
        scheme, _, rest = target.partition('://')
        authority, slash, rest = rest.partition('/')
        target = slash + rest
    path, _, query = target.partition('?')
    address = connection.transport.get_extra_info('sockname')
    client = connection.transport.get_extra_info('peername')
    values = {
        'REQUEST_METHOD': request.method.decode('ascii'), 'SCRIPT_NAME': '',
        'PATH_INFO': unquote_to_bytes(path).decode('latin-1'), 'QUERY_STRING': query,
        'SERVER_NAME': address[0], 'SERVER_PORT': str(address[1]), 'REMOTE_ADDR': client[0],
        'SERVER_PROTOCOL': 'HTTP/' + request.http_version.decode('ascii'),
        'wsgi.version': (1, 0), 'wsgi.url_scheme': 'http', 'wsgi.input': connection.body,
        'wsgi.errors': sys.stderr, 'wsgi.multithread': True, 'wsgi.multiprocess': False,
        'wsgi.run_once': False, 'wsgi.input_terminated': True,
        'resnet_in_tf.is_gone': lambda: connection.gone}
    for name, value in request.headers:
        key = name.decode('latin-1').upper().replace('-', '_')
        text = value.decode('latin-1')
        if key not in ('CONTENT_TYPE', 'CONTENT_LENGTH'):
            key = 'HTTP_' + key
        values[key] = values[key] + ',' + text if key in values else text
    if authority is not None:
        values['HTTP_HOST'] = authority
    return values
