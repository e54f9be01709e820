"""Fetching the ImageNet weights into Keras' cache, from a server on this machine."""

import hashlib
import http.server
import os
import socket
import threading

import pytest

from resnet_in_tf.errors import UserError
from resnet_in_tf.perceptual import fetching

RELEASE = b'the release file' * 4096


class ReleaseServer(http.server.BaseHTTPRequestHandler):
    """Serves /good, an error page with status 200, 404s, and a file that stops half-way."""

    def do_GET(self):
        self.server.paths.append(self.path)
        bodies = {'/good': RELEASE, '/half': RELEASE, '/page': b'<html>log in first</html>'}
        body = bodies.get(self.path)
        self.send_response(200 if body else 404)
        self.send_header('Content-Length', str(len(body or b'')))
        self.end_headers()
        self.wfile.write((body or b'')[:len(RELEASE) // 2 if self.path == '/half' else None])

    def log_message(self, *args):
        """Keeps the tests' output clean."""


@pytest.fixture
def server(monkeypatch, tmp_path):
    with http.server.HTTPServer(('127.0.0.1', 0), ReleaseServer) as server:
        server.paths = []
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        monkeypatch.setenv('no_proxy', '127.0.0.1')
        monkeypatch.setattr(fetching, 'IMAGENET_MD5', hashlib.md5(RELEASE).hexdigest())
        yield lambda path: (monkeypatch.setattr(
            fetching, 'IMAGENET_URL',
            'http://127.0.0.1:%d%s' % (server.server_port, path)), server.paths)[1]
        server.shutdown()
        thread.join()


def test_download_goes_to_the_keras_cache_once(server, monkeypatch, tmp_path):
    requests = server('/good')
    monkeypatch.setenv('KERAS_HOME', str(tmp_path / 'cache'))
    path = fetching.fetch_imagenet()
    assert path == str(tmp_path / 'cache' / 'models' / fetching.IMAGENET_FILE)
    with open(path, 'rb') as f:
        assert f.read() == RELEASE
    assert fetching.fetch_imagenet(cache_dir=str(tmp_path / 'cache')) == path
    assert requests == ['/good'] and os.listdir(os.path.dirname(path)) == [os.path.basename(path)]


def test_half_a_file_in_the_cache_is_fetched_anew(server, tmp_path):
    server('/good')
    path = tmp_path / 'models' / fetching.IMAGENET_FILE
    path.parent.mkdir()
    path.write_bytes(RELEASE[:100])
    assert fetching.fetch_imagenet(str(tmp_path)) == str(path)
    assert path.read_bytes() == RELEASE


@pytest.mark.parametrize('path', ['/half', '/page', '/missing', 'refused'])
def test_failed_download_is_one_line_and_leaves_nothing(server, monkeypatch, tmp_path, path):
    server(path)
    if path == 'refused':
        with socket.socket() as s:  # a port that nobody listens on
            s.bind(('127.0.0.1', 0))
            monkeypatch.setattr(fetching, 'IMAGENET_URL',
                                'http://127.0.0.1:%d/' % s.getsockname()[1])
    with pytest.raises(UserError) as error:
        fetching.fetch_imagenet(str(tmp_path))
    message = str(error.value)
    assert '\n' not in message and message.startswith(fetching.IMAGENET_URL)
    assert 'by hand' in message and '--vgg_weights PATH' in message
    assert fetching.IMAGENET_MD5 in message
    assert '--vgg_weights hed' in message and 'random' in message
    assert os.listdir(str(tmp_path / 'models')) == []


def test_a_cache_that_cannot_be_made_is_one_line(server, tmp_path):
    server('/good')
    (tmp_path / 'file').write_bytes(b'')
    with pytest.raises(UserError) as error:
        fetching.fetch_imagenet(str(tmp_path / 'file'))
    assert '--vgg_weights PATH' in str(error.value) and '\n' not in str(error.value)
