"""One connection: a request in, its answer out, each step with a deadline. HTTP itself is h11's."""

import asyncio
import email.utils
import http.client
import io
import logging

import h11

from resnet_in_tf.server import problems
from resnet_in_tf.server.security import HEADERS

logger = logging.getLogger(__name__)

# Who has the next move: the client with its request, the server, or the client that has to take
# the answer, or that is told no and may still be sending: closed at once, it would not read the no.
READING, WORKING, ANSWERING, LINGERING = 'reading', 'working', 'answering', 'lingering'

HEAD_SECONDS = 10  # for the first line and the headers
IDLE_SECONDS = 30  # between two requests
LINGER_SECONDS = 2
RETRY_SECONDS = 10  # after which an upload may find room
HEAD_BYTES = 16384
PIECE = 16384  # bytes read or written in one go
CHUNKS = 1000  # of an upload, and one more a kilobyte: smaller ones are work for nothing
SWALLOWED = 10  # times the upload limit that is read to its end, so that the client sees the answer


class Connection(asyncio.Protocol):
    """Reads requests one after another, has each of them answered, and keeps no client waiting.

    Args:
        hub: listening.Hub, which counts connections and the bytes they hold.
    """

    def __init__(self, hub):
        self.hub, self.loop = hub, hub.loop
        self.http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)
        self.transport = self.timer = self.request = self.body = None
        self.received, self.outgoing = bytearray(), memoryview(b'')
        self.gone = self.paused = self.closing = False
        self.chunks = self.held = self.length = self.swallowed = 0
        self.state, self.since = READING, self.loop.time()

    # What asyncio calls.

    def connection_made(self, transport):
        self.transport = transport
        transport.set_write_buffer_limits(high=0)  # one piece at a time
        self._enter(READING, HEAD_SECONDS)
        self.hub.opened(self)

    def data_received(self, data):
        if self.state == LINGERING:
            self.swallowed += len(data)
            if self.swallowed > SWALLOWED * self.hub.limits.max_upload:
                self.transport.abort()
            return
        if self.state == READING and not self.received and self.is_idle():
            self._enter(READING, HEAD_SECONDS)
        self.received += data
        self._read()
        if len(self.received) > PIECE:  # the next request waits for the answer to this one
            self.transport.pause_reading()

    def eof_received(self):
        self.gone = True
        return self.state in (WORKING, ANSWERING)  # True keeps the way out open

    def connection_lost(self, error):
        self.gone = True
        self.timer.cancel()
        self.received, self.outgoing, self.body = bytearray(), memoryview(b''), None
        self.hub.closed(self)

    def pause_writing(self):
        self.paused = True

    def resume_writing(self):
        self.paused = False
        self._write()

    # What the hub calls.

    def is_idle(self):
        """Whether no byte of a request is here yet."""
        return self.state == READING and self.request is None and not (
            self.received or self.http.trailing_data[0])

    def stop(self):
        """Nothing new is begun: an idle connection is closed, half a request refused."""
        if self.is_idle():
            self.transport.close()
        elif self.state == READING:
            self.refuse(problems.stopping())
        elif self.state == LINGERING:
            self._enter(LINGERING, LINGER_SECONDS)

    def answer(self, status, headers, body):
        """Sends the answer to the request.

        Args:
            status: int.
            headers: list of (str, str).
            body: bytes.
        """
        if self.transport.is_closing() or status == 499:
            return self.transport.abort()
        own = {name.lower() for name, _ in headers}
        headers = headers + [pair for pair in HEADERS.items() if pair[0].lower() not in own] + [
            ('Date', email.utils.formatdate(usegmt=True))]
        if 'content-length' not in own and status not in (204, 304):
            headers.append(('Content-Length', str(len(body))))
        if self.closing or self.gone or self.hub.jobs.stopping:
            self.closing = True
            headers.append(('Connection', 'close'))
        data = self.http.send(h11.Response(status_code=status, reason=http.client.responses.get(
            status, '').encode('ascii'), headers=[
            (name.encode('latin-1'), value.encode('latin-1', 'replace')) for name, value in headers]))
        if body and status not in (204, 304) and not (self.request and self.request.method == b'HEAD'):
            data += self.http.send(h11.Data(data=body))
        data += self.http.send(h11.EndOfMessage())
        self.body = None
        self.hub.hold(self, len(data))
        self.outgoing = memoryview(data)
        self._enter(ANSWERING, self.hub.transfer_seconds)
        self._write()
        return None

    def refuse(self, problem):
        """Answers what does not reach the application, and reads no further request."""
        self.closing = True
        logger.info('refused before the application: %d %s', problem.status, problem.code)
        self.hub.count(problem.status)
        self.received = bytearray()
        self.answer(problem.status, [('Content-Type', 'application/json')] + list(
            problem.headers.items()), problem.body().encode('utf-8'))

    # Steps.

    def _enter(self, state, seconds=None):
        """Begins a step; one that lasts longer than `seconds` ends the connection."""
        if self.timer:
            self.timer.cancel()
        self.state, self.since = state, self.loop.time()
        if seconds is not None:
            self.timer = self.loop.call_later(seconds, self._late)

    def _late(self):
        if self.state == READING and not self.is_idle():
            self.refuse(problems.too_slow_upload())
        elif self.state == READING:
            self.transport.close()
        else:
            self.transport.abort()

    def _read(self):
        while self.state == READING and not self.transport.is_closing():
            try:
                event = self.http.next_event()
            except h11.RemoteProtocolError as error:
                return self.refuse(problems.bad_request(error.error_status_hint, error))
            except ValueError:  # a number that Python takes for too long
                return self.refuse(problems.bad_request(400, 'a number is too long'))
            if event is h11.NEED_DATA:
                if not self.received:
                    if self.http.they_are_waiting_for_100_continue:
                        self.transport.write(self.http.send(
                            h11.InformationalResponse(status_code=100, headers=[])))
                    return None
                self.http.receive_data(bytes(self.received[:PIECE]))
                del self.received[:PIECE]
            elif isinstance(event, h11.Request):
                self._begin(event)
            elif isinstance(event, h11.Data):
                self._keep(event)
            elif isinstance(event, h11.EndOfMessage):
                self._enter(WORKING)
                self.body.seek(0)
                self.hub.dispatch(self)
            else:
                self.transport.close()
                return None
        return None

    def _begin(self, request):
        self.request, self.body, self.chunks, self.length = request, io.BytesIO(), 0, 0
        headers = dict(request.headers)
        if int(headers.get(b'content-length', 0)) > self.hub.limits.max_upload:
            self.refuse(problems.upload_too_large(self.hub.limits))
        elif headers.get(b'content-encoding', b'identity').lower() != b'identity':
            self.refuse(problems.encoded_upload())
        else:
            self._enter(READING, self.hub.transfer_seconds)

    def _keep(self, data):
        self.chunks += data.chunk_start
        self.length += len(data.data)
        if self.length > self.hub.limits.max_upload:
            self.refuse(problems.upload_too_large(self.hub.limits))
        elif self.chunks > CHUNKS + self.length / 1024:
            self.refuse(problems.bad_request(400, 'the chunks of the body are too small'))
        elif not self.hub.hold(self, self.length):
            self.refuse(problems.busy(RETRY_SECONDS))
        else:
            self.body.write(data.data)

    def _write(self):
        while self.outgoing and not self.paused and not self.transport.is_closing():
            piece, self.outgoing = self.outgoing[:PIECE], self.outgoing[PIECE:]
            self.transport.write(piece)
        if self.state != ANSWERING or self.outgoing or self.paused or self.transport.is_closing():
            return
        self.outgoing, self.request = memoryview(b''), None
        self.hub.hold(self, 0)
        if self.gone:
            self.transport.close()
        elif self.closing or self.http.our_state is not h11.DONE or self.http.their_state is not h11.DONE:
            sends_on = self.http.their_state is h11.SEND_BODY and not self.hub.jobs.stopping
            self._enter(LINGERING, HEAD_SECONDS if sends_on else LINGER_SECONDS)
            try:
                self.transport.write_eof()
                self.transport.resume_reading()
            except OSError:  # the client has gone meanwhile
                self.transport.abort()
        else:
            self.http.start_next_cycle()
            ahead = self.received or self.http.trailing_data[0]
            self._enter(READING, HEAD_SECONDS if ahead else IDLE_SECONDS)
            self.transport.resume_reading()
            self.loop.call_soon(self._read)
