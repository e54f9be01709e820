"""The API through a real socket, answered by serve.py in a process of its own."""

import csv
import io
import json
import os
import re
import socket

import numpy as np
import pytest
import running
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families
from server_process import STYLES, Server, error_of, form, write_network

from resnet_in_tf.pictures import images
from resnet_in_tf.pictures.color import preserve_color
from resnet_in_tf.restyling.stylizer import Stylizer
from resnet_in_tf.server import restyling

OTHER_FORMATS = ('photo.webp', 'photo.bmp', 'photo.tiff', 'animated.gif')


@pytest.fixture(scope='module')
def network(tmp_path_factory):
    return write_network(str(tmp_path_factory.mktemp('network') / 'styles.pb'))


@pytest.fixture(scope='module')
def server(network):
    server = Server(network)
    yield server
    server.stop()


@pytest.fixture(scope='module')
def photo(face):
    """A JPEG of 160x120."""
    return images.encode(images.resize(face, 160, 120), 'JPEG')


def pixels_of(data):
    return np.array(Image.open(io.BytesIO(data)))


def test_every_hard_image_gets_its_status_and_the_server_still_answers(server, shared_data):
    folder = os.path.join(shared_data, 'hard_images')
    with open(os.path.join(folder, 'EXPECTED.csv'), encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    wrong = []
    for row in rows:
        path = os.path.join(folder, row['file'])
        with open(path, 'rb') as file:
            status, _, body = server.stylize(file.read(), 'strength=0&format=png')
        if row['note'].startswith('either:'):
            expected = (200, 422)
        else:
            taken = row['status'] == 'valid' and row['file'] not in OTHER_FORMATS
            expected = (200,) if taken else (422,)
        if status not in expected:
            wrong.append((row['file'], status, body[:200]))
        elif status == 422:
            assert error_of(body)[0] == 'unusable_picture'
            assert 'JPEG or PNG' in error_of(body)[1]
        elif row['status'] == 'valid':  # strength 0 is the photo, upright, to the last bit
            assert np.array_equal(pixels_of(body), images.read(path)), row['file']
    assert not wrong
    assert len(rows) >= 40
    assert server.ask('GET', '/healthz')[0] == 200


def test_a_mix_is_what_the_network_makes_of_it(server, network, photo):
    status, headers, body = server.stylize(
        photo, 'style=wave:0.7,udnie:0.3&strength=0.8&preserve_color=true&format=png')
    assert (status, headers['Content-Type']) == (200, 'image/png')
    stylizer = Stylizer(network)
    decoded = images.decode(photo, 'photo')
    plain = stylizer.stylize(decoded, stylizer.style_weights('wave:0.7,udnie:0.3', 0.8))
    stylizer.close()
    expected = preserve_color(decoded, plain)
    assert np.abs(pixels_of(body) - expected).max() <= 1
    assert np.abs(plain - expected).max() > 10  # or the flag was not seen to work


def test_a_form_and_a_raw_body_give_the_same(server, photo):
    body, headers = form([('style', '3'), ('strength', '0.5'), ('format', 'png')], photo)
    by_form = server.ask('POST', '/v1/stylize', body, headers)
    raw = server.stylize(photo, 'style=scream&strength=0.5&format=png')
    # curl --data-binary without a header says that it sends a form; it does not.
    curl = server.ask('POST', '/v1/stylize?style=scream&strength=0.5&format=png', photo,
                      {'Content-Type': 'application/x-www-form-urlencoded'})
    assert [answer[0] for answer in (by_form, raw, curl)] == [200] * 3
    assert by_form[2] == raw[2] == curl[2]


@pytest.mark.parametrize('query, size', [
    ('', (160, 120)), ('size=80', (80, 60)), ('size=33', (33, 25)), ('size=4000', (160, 120))])
def test_size_is_the_long_side_and_never_enlarges(server, photo, query, size):
    status, headers, body = server.stylize(photo, query)
    assert (status, headers['Content-Type']) == (200, 'image/jpeg')
    assert Image.open(io.BytesIO(body)).size == size


def test_a_photo_longer_than_a_jpeg_can_be_is_made_as_long_as_one_can(server):
    photo = images.encode(np.zeros([2, 70000, 3], np.uint8), 'PNG')
    status, _, body = server.stylize(photo)
    assert status == 200 and Image.open(io.BytesIO(body)).size == (65500, 2), body[:200]
    for width, height in ((70000, 2), (1, 65501), (50000000, 1), (1, 10 ** 9), (10 ** 5, 10 ** 5)):
        side = restyling.largest_side(width, height, 16 * 10 ** 6)
        wide, tall = restyling.fit(width, height, side)
        assert max(wide, tall) <= 65500 and wide * tall <= 16 * 10 ** 6


def test_quality_is_the_jpegs(server, photo):
    small, large = (len(server.stylize(photo, 'quality=%d' % quality)[2]) for quality in (10, 95))
    assert small < large / 2


@pytest.mark.parametrize('query, words', [
    ('style=nobody', "no style 'nobody'"), ('style=wave:x', 'wave:0.5'), ('strength=1.5', 'from 0'),
    ('strength=nan', 'from 0'), ('preserve_color=perhaps', 'true or false'),
    ('size=2', 'from 16 up'), ('size=big', 'from 16 up'), ('quality=0', '1 to 100'),
    ('format=webp', 'jpeg or png'), ('styel=wave', 'there are style,'),
    ('style=wave&style=muse', 'give it once')])
def test_a_bad_parameter_is_told_what_it_may_be(server, photo, query, words):
    status, _, body = server.stylize(photo, query)
    code, message = error_of(body)
    assert (status, code) == (400, 'bad_parameter')
    assert words in message
    assert message.startswith(query.split('=')[0]) and '--' not in message


@pytest.mark.parametrize('name', ['style', 'strength', 'size', 'format'])
@pytest.mark.parametrize('text', ['9' * 5000, 'x' * 10 ** 6, '1:1,' * 300000, '\u00ff' * 400000])
def test_a_parameter_without_end_is_a_short_answer_at_once(server, photo, name, text):
    status, _, body = server.ask('POST', '/v1/stylize', *form([(name, text)], photo))
    assert status in (400, 413) and len(body) < 1500


def test_a_form_without_a_photo_is_told_so(server):
    status, _, body = server.ask('POST', '/v1/stylize', *form([('style', 'wave')], None))
    assert (status, error_of(body)[0]) == (400, 'bad_parameter')
    assert 'field photo' in error_of(body)[1]


def test_styles_come_with_thumbnails_of_their_own(server):
    answer = json.loads(server.ask('GET', '/v1/styles')[2].decode('utf-8'))
    assert [style['name'] for style in answer['styles']] == STYLES
    assert answer['limits']['upload_bytes'] == 20000000
    thumbnails = [server.ask('GET', style['thumbnail']) for style in answer['styles']]
    assert {Image.open(io.BytesIO(body)).size for _, _, body in thumbnails} == {(224, 224)}
    assert len({body for _, _, body in thumbnails}) == len(STYLES)
    again = server.ask('GET', answer['styles'][0]['thumbnail'], None,
                       {'If-None-Match': thumbnails[0][1]['ETag']})
    assert again[0] == 304
    assert server.ask('GET', '/v1/styles/9/thumbnail')[0] == 404


def test_the_openapi_document_tells_of_every_address(server, photo):
    document = json.loads(server.ask('GET', '/openapi.json')[2].decode('utf-8'))
    assert document['openapi'].startswith('3.')
    for path, operations in document['paths'].items():
        if 'get' in operations:
            status, headers, _ = server.ask('GET', path.replace('{number}', '1'))
            assert status == 200
            content = operations['get']['responses']['200']['content']
            assert headers.get_content_type() in content
    operation = document['paths']['/v1/stylize']['post']
    defaults = '&'.join('%s=%s' % (known['name'], json.dumps(known['schema']['default']).strip('"'))
                        for known in operation['parameters'] if 'default' in known['schema'])
    assert defaults.count('=') == 5
    assert server.stylize(photo, defaults)[2] == server.stylize(photo)[2]


def test_metrics_count_what_was_asked(server, photo):
    name = 'resnet_in_requests_total{route="/v1/stylize",status="%d"}'
    before = [server.metric(name % status) for status in (200, 422)]
    server.stylize(photo)
    server.stylize(b'no picture')
    assert [server.metric(name % status) for status in (200, 422)] == [n + 1 for n in before]
    text = server.ask('GET', '/metrics')[2].decode('utf-8')
    families = {family.name for family in text_string_to_metric_families(text)}
    assert {'resnet_in_requests', 'resnet_in_request_seconds', 'resnet_in_running',
            'resnet_in_waiting', 'process_resident_memory_bytes'} <= families


@pytest.mark.parametrize('method, path, status', [
    ('GET', '/nothing', 404), ('GET', '/static/../app.py', 404), ('GET', '/v1/stylize', 405),
    ('DELETE', '/', 405)])
def test_a_wrong_address_is_answered_in_json(server, method, path, status):
    answer = server.ask(method, path)
    assert answer[0] == status
    assert '/openapi.json' in error_of(answer[2])[1]


def test_it_listens_on_loopback_alone(server):
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(('127.0.0.2', server.port), timeout=10).close()


def test_the_page_is_told_to_load_nothing_from_elsewhere(server):
    status, headers, body = server.ask('GET', '/')
    assert status == 200
    assert "default-src 'self'" in headers['Content-Security-Policy']
    paths = [os.path.join(folder, name) for folder, _, names in os.walk(restyling.STATIC) for name in names]
    assert len(paths) > 8
    for path in paths:
        with open(path, 'rb') as file:
            text = file.read()
        name = os.path.relpath(path, restyling.STATIC)
        if not name.endswith('.jpg'):
            addresses = re.findall(rb'(?:https?:)?//[a-z0-9.-]+\.[a-z]+[^\s"\']*', text)
            assert set(addresses) <= {b'http://www.w3.org/2000/svg'}, name
        assert server.ask('GET', '/static/' + name)[2] == text


def test_a_taken_port_is_one_line_and_status_2(server, network):
    done = running.script('serve.py', '--model', network, '--port', server.port)
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith('error: --host 127.0.0.1 --port')
    assert 'in use' in done.stderr and 'Traceback' not in done.stderr
