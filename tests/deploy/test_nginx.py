"""deploy/nginx.conf in a real nginx, before real servers that are killed, stopped and full."""

import concurrent.futures
import http.client
import os
import re
import shutil
import socket
import subprocess
import threading
import time

import onnx_networks
import pytest
from server_process import Server, error_of, pixels_of, png

from resnet_in_tf.pictures import images

pytestmark = pytest.mark.slow

NGINX = shutil.which('nginx', path=os.environ.get('PATH', '') + ':/usr/sbin')
if not NGINX:
    pytest.skip('SERVERS BEHIND NGINX ARE NOT TESTED: there is no nginx here (Debian: apt-get install '
                'nginx-light)', allow_module_level=True)

SHIPPED = os.path.join(os.path.dirname(__file__), '..', '..', 'deploy', 'nginx.conf')
CLIENTS, PHOTOS = 8, 22  # one server has 9 places
# The file of /etc/nginx that includes ours, with its own folder for everything.
MAIN = """
daemon off;
worker_processes 2;
pid %(folder)s/pid;
error_log %(folder)s/error.log info;
events {}
http {
    %(folders)s
    log_format servers '$request_method $uri $status | $upstream_addr | $upstream_status';
    access_log %(folder)s/access.log servers;
    include %(folder)s/restyle.conf;
}
"""


def free_port():
    with socket.socket() as found:
        found.bind(('127.0.0.1', 0))
        return found.getsockname()[1]


class Proxy:
    """nginx with the shipped file, its three addresses replaced."""

    process = None  # of server_process.Server, whose `ask` and `stylize` it has

    def __init__(self, folder, ports):
        self.folder, self.port = str(folder), free_port()
        with open(SHIPPED) as file:
            text = file.read()
        addresses = [('listen 8080;', 'listen 127.0.0.1:%d;' % self.port)] + [
            ('server 127.0.0.1:%d ' % shipped, 'server 127.0.0.1:%d ' % port)
            for shipped, port in zip((8081, 8082), ports)]
        for shipped, own in addresses:
            assert text.count(shipped) == 1
            text = text.replace(shipped, own)
        kinds = ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi')
        folders = ' '.join('%s_temp_path %s/%s;' % (kind, folder, kind) for kind in kinds)
        for name, content in (('restyle.conf', text),
                              ('main.conf', MAIN % {'folder': folder, 'folders': folders})):
            with open(os.path.join(self.folder, name), 'w') as file:
                file.write(content)
        main = os.path.join(self.folder, 'main.conf')
        self.process = subprocess.Popen([NGINX, '-p', self.folder, '-c', main], stderr=subprocess.DEVNULL)
        until(self.listens)

    def listens(self):
        assert self.process.poll() is None, self.log('error')
        try:
            socket.create_connection(('127.0.0.1', self.port), 1).close()
        except ConnectionError:
            return False
        return True

    def ask(self, method, path, body=None, host='paint.example'):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=120)
        try:
            connection.request(method, path, body, {'Host': host})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def log(self, name):
        path = os.path.join(self.folder, name + '.log')
        if not os.path.exists(path):
            return ''
        with open(path) as file:
            return file.read()

    def stop(self):
        self.process.terminate()
        self.process.wait()


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, 'it did not come about'
        time.sleep(0.02)


@pytest.fixture(scope='module')
def photos(face):
    """Photos of which no two are alike."""
    return [png(images.resize(face[:, 20 * number:20 * number + 512], 320, 240)) for number in range(PHOTOS)]


@pytest.fixture(scope='module')
def running_servers(tmp_path_factory):
    """Gives two servers that run; those that tests ended are replaced."""
    pytest.importorskip('onnxruntime', reason='SERVERS BEHIND NGINX ARE NOT TESTED: no onnxruntime')
    model = onnx_networks.write(tmp_path_factory.mktemp('network') / 'net.onnx', predictor=False)
    servers, flags = [], ('--allowed_hosts', 'paint.example')

    def give():
        missing = 2 - sum(server.process.poll() is None for server in servers)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            servers.extend(pool.map(lambda _: Server(model, *flags), range(missing)))
        return [server for server in servers if server.process.poll() is None]

    yield give
    for server in servers:
        server.stop()


@pytest.fixture
def pair(running_servers):
    return running_servers()


@pytest.fixture
def proxy(tmp_path, pair):
    """nginx before two servers."""
    proxy = Proxy(tmp_path, [server.port for server in pair])
    yield proxy
    proxy.stop()


class Load:
    """Clients that send their photo again and again, each on a connection of its own every time."""

    def __init__(self, proxy, photos):
        self.proxy, self.ends, self.answers = proxy, threading.Event(), [[] for _ in photos]
        self.threads = [threading.Thread(target=self.send, args=pair) for pair in zip(photos, self.answers)]
        for thread in self.threads:
            thread.start()

    def send(self, photo, answers):
        while not self.ends.is_set():
            answers.append(self.proxy.ask('POST', '/v1/stylize?format=png', photo))

    def count(self):
        return sum(map(len, self.answers))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.ends.set()
        for thread in self.threads:
            thread.join()


@pytest.mark.parametrize('how', ['stopped', 'killed'])
def test_no_request_is_lost_when_a_server_goes_under_load(pair, proxy, photos, how):
    goes, stays = pair
    photos = photos[:CLIENTS]
    expected = [pixels_of(stays.stylize(photo, 'format=png')) for photo in photos]
    with Load(proxy, photos) as load:
        until(lambda: all(load.answers) and min(goes.metric('resnet_in_running'),
                                                goes.metric('resnet_in_waiting')) > 0)
        goes.process.kill() if how == 'killed' else goes.process.terminate()
        goes.process.wait()
        enough = load.count() + 2 * CLIENTS
        until(lambda: load.count() >= enough)
    for answers, picture in zip(load.answers, expected):
        for answer in answers:
            assert abs(pixels_of(answer) - picture).max() <= 1
    lines = [line.split(' | ') for line in proxy.log('access').splitlines()]
    assert {addresses for _, addresses, _ in lines if ',' not in addresses} == {
        '127.0.0.1:%d' % server.port for server in pair}  # both worked
    passed_on = {statuses for _, addresses, statuses in lines if ',' in addresses}
    if how == 'killed':  # what it had in work was painted by the other, and so was what came later
        errors = proxy.log('error')
        assert re.search('while reading response header from upstream.*"POST /v1/stylize', errors)
        assert 'Connection refused' in errors and '502, 200' in passed_on
    else:
        assert goes.process.returncode == 0 and '503, 200' in passed_on


def test_a_full_server_hands_on_and_clients_are_told_when_to_come_back(proxy, photos):
    with Load(proxy, photos) as load:  # two servers have 18 places
        until(lambda: {answer[0] for answers in load.answers for answer in answers[:]} == {200, 503})
        until(lambda: re.search(r'200 \| \S+, \S+ \| 503, 200', proxy.log('access')))
    for answers in load.answers:
        for status, headers, body in answers:
            assert status == 200 or ((status, error_of(body)[0]) == (503, 'busy')
                                     and int(headers['Retry-After']) >= 1)
    assert proxy.ask('POST', '/v1/stylize', photos[0])[0] == 200  # full once is not out for good


def test_names_and_limits_are_those_of_the_servers(proxy):
    assert [proxy.ask('GET', path)[0] for path in ('/', '/v1/styles', '/healthz')] == [200] * 3
    assert proxy.ask('GET', '/', host='other.example')[0] == 403
    assert proxy.ask('GET', '/metrics')[0] == 404
    status, _, body = proxy.ask('POST', '/v1/stylize', bytes(21 << 20))
    assert (status, error_of(body)[0]) == (413, 'upload_too_large')


def test_where_no_server_is_clients_are_told_to_come_back(tmp_path):
    proxy = Proxy(tmp_path, [free_port(), free_port()])
    try:
        status, headers, body = proxy.ask('GET', '/v1/styles')
        assert (status, error_of(body)[0], headers['Retry-After']) == (503, 'busy', '5')
    finally:
        proxy.stop()
