"""Bounds of the server under real load: full queue, leavers, time, sizes, and a clean stop."""

import io
import subprocess
import sys
import tempfile
import threading
import time

import pytest
from PIL import Image
from server_process import Server, error_of, write_network

from resnet_in_tf import memory
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling import engines
from resnet_in_tf.server import restyling

SLOW = 1200  # pixels a side: seconds of work, so that others meet it while it runs


@pytest.fixture(scope='module')
def network(tmp_path_factory):
    return write_network(str(tmp_path_factory.mktemp('network') / 'styles.pb'))


@pytest.fixture(scope='module')
def slow_photo(face):
    return images.encode(images.resize(face, SLOW, SLOW), 'JPEG', 80)


@pytest.fixture(scope='module')
def small_photo(face):
    return images.encode(images.resize(face, 64, 48), 'JPEG')


@pytest.fixture
def start(network):
    """Starts servers that end with the test."""
    started = []

    def start(*flags):
        started.append(Server(network, *flags))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope='module')
def server(network):
    server = Server(network, '--workers', '1', '--queue', '1', '--max_upload', '1',
                    '--max_photo', '3', '--max_result', '2.7')
    yield server
    server.stop()


class Client:
    """A client that waits for its answer in a thread."""

    def __init__(self, server, photo):
        self.connection, self.answer = server.connect(), None
        self.connection.request('POST', '/v1/stylize', photo, {'Content-Type': 'image/jpeg'})
        self.thread = threading.Thread(target=self.wait)
        self.thread.start()

    def wait(self):
        response = self.connection.getresponse()
        self.answer = response.status, response.headers, response.read()

    def result(self):
        self.thread.join(120)
        assert self.answer, 'no answer'
        self.connection.close()
        return self.answer


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, 'it did not come about'
        time.sleep(0.02)


def occupy(server, photo):
    """A client whose photo is in work."""
    client = Client(server, photo)
    until(lambda: server.metric('resnet_in_running') == 1)
    return client


def test_a_full_queue_is_503_and_a_client_that_leaves_frees_its_place(
        server, slow_photo, small_photo):
    running = occupy(server, slow_photo)
    leaver = server.connect()
    leaver.request('POST', '/v1/stylize', small_photo, {'Content-Type': 'image/jpeg'})
    until(lambda: server.metric('resnet_in_waiting') == 1)
    status, headers, body = server.stylize(small_photo)
    assert (status, error_of(body)[0]) == (503, 'busy')
    assert int(headers['Retry-After']) >= 1
    assert server.ask('GET', '/healthz')[0] == 200  # the page and the monitors are served on
    leaver.close()
    until(lambda: server.metric('resnet_in_waiting') == 0)
    assert server.metric('resnet_in_running') == 1  # it was not the end of the work that freed it
    assert server.stylize(small_photo)[0] == 200
    assert running.result()[0] == 200
    left = 'resnet_in_requests_total{route="/v1/stylize",status="499"}'
    assert server.metric(left) == 1


@pytest.mark.parametrize('length', [1000001, 5000000])
def test_a_large_upload_is_413_even_to_a_client_that_sends_it_all(server, length):
    status, _, body = server.stylize(b'x' * length)
    assert (status, error_of(body)[0]) == (413, 'upload_too_large')
    assert '1 MB' in error_of(body)[1]
    assert server.ask('GET', '/healthz')[0] == 200


def test_a_large_upload_is_413_before_it_is_sent_to_a_client_that_asks_first(server):
    connection = server.connect()
    connection.putrequest('POST', '/v1/stylize')
    connection.putheader('Content-Length', '5000000')
    connection.putheader('Expect', '100-continue')
    connection.endheaders()
    response = connection.getresponse()
    assert (response.status, error_of(response.read())[0]) == (413, 'upload_too_large')
    connection.close()


def test_a_chunked_upload_is_bounded_too(server):
    connection = server.connect()
    try:
        connection.request('POST', '/v1/stylize', iter([b'x' * 100000] * 11),
                           {'Content-Type': 'image/jpeg'}, encode_chunked=True)
        response = connection.getresponse()
        assert (response.status, error_of(response.read())[0]) == (413, 'upload_too_large')
    finally:
        connection.close()


def test_too_many_pixels_are_422_and_told_what_would_do(server):
    def blank(width, height):
        buffer = io.BytesIO()
        Image.new('L', (width, height)).save(buffer, 'PNG')
        return buffer.getvalue()

    status, _, body = server.stylize(blank(2000, 1501))
    assert (status, error_of(body)[0]) == (422, 'unusable_picture')
    assert '2000x1501' in error_of(body)[1] and '3 million' in error_of(body)[1]
    status, _, body = server.stylize(blank(29000, 100), 'size=29000')
    assert (status, error_of(body)[0]) == (422, 'result_too_large')
    largest = int(error_of(body)[1].split('size=')[1].split()[0])
    assert 29000 * 0.96 < largest < 29000
    assert server.stylize(blank(29000, 100), 'size=%d' % (largest + 400))[0] == 422


def test_results_are_no_larger_than_memory_holds_for_every_worker(monkeypatch, machine_memory):
    engine = engines.Engine('tensorflow', [], {}, None, None, None, width=8)
    limits = restyling.Limits(20, 20, 4000000, 60, 1, 8, 260)

    def allowed(kilobytes, **changed):
        machine_memory(1024 * kilobytes)
        return restyling.within_memory(limits._replace(**changed), engine).max_result

    monkeypatch.setattr(memory, 'CGROUPS', ())
    assert allowed(64 * 2 ** 20) == 4000000
    one, two = allowed(2 ** 20), allowed(2 ** 20, workers=2)
    assert memory.reserved_bytes(8) * one <= 2 ** 30 and one < 4000000
    assert 2 * memory.run_bytes(8) * two < 2 ** 30 and 256 ** 2 < two < one


def test_decoding_and_uploads_are_in_the_budget_of_memory(monkeypatch, machine_memory):
    engine = engines.Engine('tensorflow', [], {}, None, None, None, width=8)
    asked = restyling.Limits(20000000, 50000000, 4000000, 60, 1, 8, 260000000)

    monkeypatch.setattr(memory, 'CGROUPS', ())

    def given(megabytes, **changed):
        machine_memory(1024000 * megabytes, total=2 ** 40)
        return restyling.within_memory(asked._replace(**changed), engine)

    assert given(64000)[:1] + given(64000)[3:] == asked[:1] + asked[3:]
    for megabytes, changed in [(1000, {}), (2000, {}), (2000, {'workers': 4}), (500, {'waiting': 100})]:
        limits = given(megabytes, **changed)
        each = max(restyling.DECODE_BYTES * limits.max_pixels, memory.run_bytes(8) * limits.max_result)
        assert limits.held + limits.workers * each <= megabytes * 1e6
        assert limits.held >= 2 * limits.max_upload
    assert given(1000).max_pixels < asked.max_pixels


@pytest.mark.parametrize('file', [
    {'format': 'JPEG', 'mode': 'RGB'}, {'format': 'JPEG', 'mode': 'CMYK', 'progressive': True},
    {'format': 'PNG', 'mode': 'RGBA'}, {'format': 'PNG', 'mode': 'I;16'},
    {'format': 'PNG', 'mode': 'LA'}], ids=lambda file: file['format'] + ' ' + file['mode'])
def test_decoding_holds_no_more_than_is_said(file):
    file = dict(file)
    side, buffer = 2000, io.BytesIO()
    Image.new(file.pop('mode'), (side, side)).save(buffer, **file)
    code = ("import sys; from resnet_in_tf import memory; from resnet_in_tf.pictures import images\n"
            "images.decode(open(sys.argv[1], 'rb').read(), 'photo')\n"
            "print(memory.peak())")

    def peak(data):
        with tempfile.NamedTemporaryFile() as photo:
            photo.write(data)
            photo.flush()
            return int(subprocess.check_output([sys.executable, '-c', code, photo.name]))

    small = io.BytesIO()
    Image.new('RGB', (8, 8)).save(small, 'PNG')
    taken = peak(buffer.getvalue()) - peak(small.getvalue())
    assert taken <= restyling.DECODE_BYTES * side * side


def test_a_photos_pixels_are_part_of_the_cost():
    def cost(side, size):
        buffer = io.BytesIO()
        Image.new('L', (side, side)).save(buffer, 'PNG')
        limits = restyling.Limits(20000000, 50000000, 4000000, 60, 1, 8, 260000000)
        return restyling.result_size(buffer.getvalue(), size, limits)[1]

    assert cost(4000, 64) - cost(1000, 64) == pytest.approx(restyling.DECODE_COST * 15e6)
    assert cost(1000, 1000) - cost(1000, 500) == pytest.approx(750000)


def test_time_that_runs_out_is_504(start, slow_photo, small_photo):
    server = start('--timeout', '0.3')
    status, _, body = server.stylize(slow_photo)
    assert (status, error_of(body)[0]) == (504, 'too_slow')
    assert '0.3 s' in error_of(body)[1]
    until(lambda: server.metric('resnet_in_running') == 0)
    assert server.ask('GET', '/healthz')[0] == 200


def test_sigterm_ends_what_runs_turns_the_rest_away_and_exits_with_0(
        start, slow_photo, small_photo):
    server = start('--queue', '4')
    running = occupy(server, slow_photo)
    waiting = Client(server, small_photo)
    until(lambda: server.metric('resnet_in_waiting') == 1)
    server.process.terminate()
    status, headers, body = waiting.result()
    assert (status, error_of(body)[0]) == (503, 'stopping')
    assert int(headers['Retry-After']) >= 1
    status, _, body = server.stylize(small_photo)
    assert (status, error_of(body)[0]) == (503, 'stopping')
    assert server.ask('GET', '/healthz')[0] == 503
    status, _, body = running.result()
    assert status == 200
    assert Image.open(io.BytesIO(body)).size == (SLOW, SLOW)
    assert server.process.wait(timeout=120) == 0
    assert server.process.stdout.read() == 'stopped\n'
    with pytest.raises(ConnectionRefusedError):
        server.ask('GET', '/healthz')
