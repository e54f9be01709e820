"""Clients that say little, read nothing or leave: the rest is served on, /healthz above all."""

import contextlib
import resource
import socket
import subprocess
import time
from concurrent import futures

import pytest
from server_process import Server, error_of, read_all, write_network

from resnet_in_tf.pictures import images

HEALTH = b'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
POST = b'POST /v1/stylize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n'
LINE, HEADERS = b'GET /heal', b'GET /healthz HTTP/1.1\r\nX: '
SAMPLE = b'GET /static/sample.jpg HTTP/1.1\r\nHost: localhost\r\n\r\n'


@pytest.fixture(scope='module')
def network(tmp_path_factory):
    return write_network(str(tmp_path_factory.mktemp('network') / 'styles.pb'))


@pytest.fixture(scope='module')
def photo(face):
    return images.encode(images.resize(face, 64, 48), 'JPEG')


def small_server(network):
    return Server(network, '--queue', '1', '--max_upload', '1')


@pytest.fixture(scope='module')
def server(network):
    server = small_server(network)
    yield server
    server.stop()


@pytest.fixture
def own_server(network):
    """A server that a test may stop."""
    server = small_server(network)
    yield server
    server.stop()


@contextlib.contextmanager
def clients(server, count, data, receive_buffer=None):
    """Sockets that have each sent `data` and go no further."""
    with contextlib.ExitStack() as stack:
        held = []
        for _ in range(count):
            client = stack.enter_context(socket.socket())
            if receive_buffer:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            client.settimeout(60)
            client.connect(('127.0.0.1', server.port))
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.send(data)
            held.append(client)
        yield held


@contextlib.contextmanager
def process_limit(kind, value):
    """A limit that processes started meanwhile inherit."""
    soft, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (value, hard))
    try:
        yield
    finally:
        resource.setrlimit(kind, (soft, hard))


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, 'it did not come about'
        time.sleep(0.02)


@pytest.mark.parametrize('data', [b'', b'GET /heal', HEALTH[:-2] + b'X: ', POST, POST + b'x'],
                         ids=['silent', 'line', 'headers', 'no body', 'half a body'])
def test_clients_that_say_no_more_keep_nobody_out(server, photo, data):
    with clients(server, 150, data):
        assert server.raw(HEALTH).startswith(b'HTTP/1.1 200 OK\r\n')
        assert server.ask('GET', '/')[0] == 200
        assert server.stylize(photo)[0] == 200


def test_clients_that_read_nothing_keep_nobody_out(server, photo):
    with clients(server, 40, SAMPLE * 1000, receive_buffer=4096):
        assert server.raw(HEALTH).startswith(b'HTTP/1.1 200 OK\r\n')
        assert server.stylize(photo)[0] == 200
        assert server.ask('GET', '/metrics')[0] == 200


def test_past_the_bound_the_client_that_waited_longest_goes(network, photo):
    with process_limit(resource.RLIMIT_NOFILE, 200):  # 72 connections
        server = Server(network)
    try:
        with clients(server, 1, b'GET /heal') as held:
            assert server.raw(HEALTH).startswith(b'HTTP/1.1 200 OK\r\n')  # the first one is read
            with clients(server, 100, b'GET /heal'):
                assert server.raw(HEALTH).startswith(b'HTTP/1.1 200 OK\r\n')
                assert server.stylize(photo)[0] == 200
            held[0].settimeout(60)
            assert read_all(held[0]) == b''
            assert server.metric('process_open_fds') < 200
    finally:
        server.stop()


def test_an_upload_for_which_there_is_no_room_is_told_to_come_back(network):
    server = Server(network, '--queue', '0', '--max_upload', '0.05')
    half = b'POST /v1/stylize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000\r\n\r\n' + b'x' * 49000
    try:
        with clients(server, 5, half):
            until(lambda: server.ask('POST', '/v1/stylize', b'x' * 49000)[0] == 503)
            status, headers, body = server.ask('POST', '/v1/stylize', b'x' * 49000)
            assert (status, error_of(body)[0], headers['Retry-After']) == (503, 'busy', '10')
            assert server.ask('GET', '/healthz')[0] == 200
        until(lambda: server.ask('POST', '/v1/stylize', b'x' * 49000)[0] == 422)
    finally:
        server.stop()


def test_answers_that_are_not_taken_make_room_for_uploads(network, photo):
    # Room for (1 + 0 + 4) uploads of 50 kB: three pages that nobody reads fill it.
    server = Server(network, '--queue', '0', '--max_upload', '0.05')
    try:
        with clients(server, 12, SAMPLE * 20, receive_buffer=4096):
            assert server.stylize(photo)[0] == 200
    finally:
        server.stop()


def begin(server, data):
    """The answer to a client that begins a request and says no more."""
    with socket.create_connection(('127.0.0.1', server.port), 60) as client:
        client.sendall(data)
        return read_all(client)


def drip(server, data):
    """The answer to a client that begins a request and goes on a letter at a time."""
    with socket.create_connection(('127.0.0.1', server.port), 60) as client:
        client.sendall(data)
        client.settimeout(0.2)
        answer, deadline = b'', time.monotonic() + 60
        while not answer and time.monotonic() < deadline:
            client.sendall(b'a')
            with contextlib.suppress(socket.timeout):
                answer = client.recv(65536)
        return answer


@pytest.fixture(scope='module')
def ended(network):
    """What clients got that did not end their requests, all at once: dict of (function, data) -> bytes."""
    server = Server(network, '--timeout', '1')  # 10 s is the least that a client gets
    try:
        with futures.ThreadPoolExecutor(5) as pool:
            answers = {(act, data): pool.submit(act, server, data) for act, data in (
                (begin, b''), (begin, LINE), (begin, POST + b'x'), (drip, HEADERS), (drip, POST))}
            return {key: answer.result() for key, answer in answers.items()}
    finally:
        server.stop()


@pytest.mark.slow
@pytest.mark.parametrize('data, status', [(b'', b''), (LINE, b'HTTP/1.1 408 '),
                                          (POST + b'x', b'HTTP/1.1 408 ')],
                         ids=['silent', 'line', 'body'])
def test_a_request_that_does_not_come_to_its_end_is_ended(ended, data, status):
    answer = ended[begin, data]
    assert answer[:13] == status
    assert not answer or b'X-Content-Type-Options: nosniff\r\n' in answer


@pytest.mark.slow
@pytest.mark.parametrize('start', [HEADERS, POST], ids=['headers', 'body'])
def test_a_request_that_comes_in_drips_is_ended(ended, start):
    assert ended[drip, start].startswith(b'HTTP/1.1 408 ')


@pytest.mark.slow
def test_an_answer_that_is_not_taken_is_dropped_in_time(network):
    server = Server(network, '--timeout', '1')
    try:
        before = server.metric('process_open_fds')
        with clients(server, 5, SAMPLE * 1000, receive_buffer=4096):
            until(lambda: server.metric('process_open_fds') == before + 5)
            until(lambda: server.metric('process_open_fds') == before)
    finally:
        server.stop()


def test_a_connection_serves_one_request_after_another(server):
    answers = server.raw(HEALTH.replace(b'Connection: close\r\n', b'') * 2 + HEALTH)
    assert answers.count(b'HTTP/1.1 200 OK\r\n') == 3
    assert answers.count(b'{"status":"ok"}') == 3


def test_a_client_that_sends_all_and_closes_its_side_is_answered(server):
    with socket.create_connection(('127.0.0.1', server.port), 60) as client:
        client.sendall(HEALTH)
        client.shutdown(socket.SHUT_WR)
        assert read_all(client).startswith(b'HTTP/1.1 200 OK\r\n')


def test_an_upload_in_tiny_chunks_is_refused_early(server):
    answer = server.raw(b'POST /v1/stylize HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n'
                        + b'1\r\nx\r\n' * 5000)
    assert answer.startswith(b'HTTP/1.1 400 ')
    assert 'too small' in error_of(answer.partition(b'\r\n\r\n')[2])[1]


def test_a_full_disk_does_not_matter(network, face):
    photo = images.encode(images.resize(face, 640, 640), 'PNG')
    with process_limit(resource.RLIMIT_FSIZE, 1000):  # no file can be longer
        server = Server(network, log=subprocess.DEVNULL)
    try:
        for _ in range(2):
            status, _, body = server.stylize(photo, 'format=png')
            assert status == 200
        assert min(len(photo), len(body)) > 600000
    finally:
        server.stop()


@pytest.mark.parametrize('data', [b'GET /heal', POST + b'x'], ids=['line', 'body'])
def test_a_stop_does_not_wait_for_half_a_request(own_server, data):
    server = own_server
    with socket.create_connection(('127.0.0.1', server.port), 60) as client:
        client.sendall(data)
        assert server.ask('GET', '/healthz')[0] == 200
        server.process.terminate()
        answer = read_all(client)
        assert answer.startswith(b'HTTP/1.1 503 ')
        assert error_of(answer.partition(b'\r\n\r\n')[2])[0] == 'stopping'
        assert server.process.wait(timeout=60) == 0
    assert server.process.stdout.read() == 'stopped\n'


def test_a_stop_closes_idle_connections(own_server):
    server = own_server
    with clients(server, 3, b'') as idle, clients(server, 3, SAMPLE * 1000, receive_buffer=4096):
        assert server.ask('GET', '/healthz')[0] == 200
        server.process.terminate()
        for client in idle:
            client.settimeout(60)
            assert read_all(client) == b''


@pytest.mark.slow
def test_a_stop_is_bounded_by_the_timeout_whatever_is_in_work(network, face):
    # Width 64 and 4 million pixels: far more than 2 s of work on any CPU.
    server = Server(write_network(network + '.wide', width=64), '--timeout', '2')
    photo = images.encode(images.resize(face, 2000, 2000), 'JPEG', 80)
    try:
        connection = server.connect()
        connection.request('POST', '/v1/stylize', photo, {'Content-Type': 'image/jpeg'})
        until(lambda: server.metric('resnet_in_running') == 1)
        server.process.terminate()
        assert error_of(connection.getresponse().read())[0] == 'too_slow'
        connection.close()
        assert server.process.wait(timeout=60) == 0
        assert 'what was still in work after 2 s is dropped' in server.process.stdout.read()
    finally:
        server.stop()
