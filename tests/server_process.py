"""A server to test: a small network with eight made-up styles, and serve.py as a process."""

import functools
import http.client
import io
import json
import re
import signal
import socket
import uuid

import numpy as np
import running
from PIL import Image

STYLES = ['wave', 'starry_night', 'scream', 'udnie', 'mosaic', 'composition', 'muse', 'rain']


def write_network(path, width=8):
    """Writes a frozen network of random weights: strength 0 gives the photo, 1 its own colours."""
    with open(path, 'wb') as file:
        file.write(network(width))
    return path


@functools.lru_cache(maxsize=None)  # every file of tests asks for the same one
def network(width):
    """The bytes of such a network."""
    from networks import shape_of

    from resnet_in_tf.network import frozen
    rng = np.random.RandomState(0)
    names = STYLES + ['identity']

    def value(name):
        shape = shape_of(name)
        if name.endswith('gamma'):
            return rng.uniform(0.5, 1.5, shape)
        if name.endswith('beta'):
            return rng.uniform(-0.5, 0.5, shape)
        return rng.normal(0, np.sqrt(2.0 / np.prod(shape[:-1])), shape)

    return frozen.frozen_graph(names, {}, value, 'resnet_in', width).SerializeToString()


class Server:
    """serve.py as a process of its own, on a free port."""

    def __init__(self, model, *flags, log=None):
        # What it logs goes to the file `log`, or to pytest's own capture; a pipe that nobody reads would
        # fill up.
        self.process = running.start(
            running.argv('serve.py', '--model', model, '--port', '0', *flags), stderr=log)
        self.line = self.process.stdout.readline()
        found = re.search(r'http://127\.0\.0\.1:(\d+)', self.line)
        if not found:
            self.stop()
            raise RuntimeError('serve.py did not start: %r' % self.line)
        self.port = int(found.group(1))
        self.url = 'http://127.0.0.1:%d' % self.port

    def connect(self):
        return http.client.HTTPConnection('127.0.0.1', self.port, timeout=120)

    def ask(self, method, path, body=None, headers=None):
        """One request on a connection of its own: (status, headers, body)."""
        connection = self.connect()
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def raw(self, data, timeout=60):
        """Sends bytes as they are and reads to the end: the answer's bytes."""
        with socket.create_connection(('127.0.0.1', self.port), timeout) as client:
            client.sendall(data)
            return read_all(client)

    def stylize(self, photo, query=''):
        return self.ask('POST', '/v1/stylize?' + query, photo, {'Content-Type': 'image/jpeg'})

    def metric(self, name):
        """The value of one line of /metrics; 0 where it is not there yet."""
        text = self.ask('GET', '/metrics')[2].decode('utf-8')
        found = re.search(r'^%s (\S+)$' % re.escape(name), text, re.M)
        return float(found.group(1)) if found else 0.0

    def terminate(self):
        """SIGTERM, and the exit status that follows."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=120)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def read_all(client):
    """What a socket gives until its end."""
    received = b''
    while True:
        try:
            data = client.recv(65536)
        except ConnectionResetError:
            return received
        if not data:
            return received
        received += data


def error_of(body):
    """(code, message) of an error's JSON."""
    error = json.loads(body.decode('utf-8'))['error']
    return error['code'], error['message']


def pixels_of(answer):
    """The picture that a server answered: int [H, W, 3]."""
    assert answer[0] == 200, answer[2]
    return np.array(Image.open(io.BytesIO(answer[2]))).astype(int)


def png(pixels):
    """Pixels as the bytes of a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, 'PNG')
    return buffer.getvalue()


def form(fields, photo, images=()):
    """A multipart form with a photo and style images, bytes each: (body, headers)."""
    files = [('photo', photo)] * (photo is not None) + [('style_image', image) for image in images]
    return form_of(fields, files)


def form_of(fields, files):
    """A multipart form: (body, headers), of pairs of a name and a text, or the bytes of a file."""
    boundary = uuid.uuid4().hex
    parts = [('--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
              % (boundary, name, text)).encode('utf-8') for name, text in fields]
    for name, data in files:
        parts.append(('--%s\r\nContent-Disposition: form-data; name="%s"; filename="a.jpg"\r\n'
                      'Content-Type: image/jpeg\r\n\r\n' % (boundary, name)).encode('utf-8')
                     + data + b'\r\n')
    parts.append(('--%s--\r\n' % boundary).encode('utf-8'))
    return b''.join(parts), {'Content-Type': 'multipart/form-data; boundary=' + boundary}
