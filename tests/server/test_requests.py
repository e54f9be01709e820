"""Requests that are not as they should be: a clear answer, never a 500, a flood or a forged log line."""

import io
import json
import logging
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image
from server_process import Server, error_of, form, write_network

from resnet_in_tf.pictures import images
from resnet_in_tf.server import restyling
from resnet_in_tf.server.serving import OneLine

SECURITY = ('Content-Security-Policy', 'X-Content-Type-Options', 'Referrer-Policy')
LONG = pytest.param('9' * 5000, id='5000 digits')


@pytest.fixture(scope='module')
def log(tmp_path_factory):
    return str(tmp_path_factory.mktemp('log') / 'log')


@pytest.fixture(scope='module')
def server(tmp_path_factory, log):
    model = write_network(str(tmp_path_factory.mktemp('network') / 'styles.pb'))
    with open(log, 'w') as file:
        server = Server(model, '--max_upload', '1', '--allowed_hosts', 'painter.example,Other.Example',
                        '--allow_origin', 'https://friend.example/', log=file)
    yield server
    text = server.ask('GET', '/metrics')[2].decode('utf-8')
    server.stop()
    assert 'status="500"' not in text
    with open(log) as file:
        assert 'Traceback' not in file.read()


@pytest.fixture(scope='module')
def photo(face):
    return images.encode(images.resize(face, 64, 48), 'JPEG')


def pixels_of(body):
    return np.array(Image.open(io.BytesIO(body)))


def of_raw(answer):
    """(status, headers in lower case, body) of a raw answer."""
    head, _, body = answer.partition(b'\r\n\r\n')
    lines = head.decode('latin-1').split('\r\n')
    return int(lines[0].split()[1]), {line.split(':')[0].lower() for line in lines[1:]}, body


def send_form(server, fields, photo):
    return server.ask('POST', '/v1/stylize', *form(fields, photo))


@pytest.mark.parametrize('name', ['style', 'strength', 'preserve_color', 'size', 'quality', 'format', 'none'])
@pytest.mark.parametrize('text', [LONG, 'x' * 900000, '1,' * 400000, '"' * 900000],
                         ids=['number', 'letters', 'mix', 'quotes'])
def test_long_values_are_refused_with_a_short_answer(server, photo, name, text):
    status, _, body = send_form(server, [(name, text)], photo)
    assert (status, error_of(body)[0]) == (400, 'bad_parameter')
    assert len(body) < 6000
    assert server.metric('resnet_in_running') == 0


def test_a_long_name_is_refused_with_a_short_answer(server, photo):
    status, _, body = send_form(server, [('n' * 3000, '1')], photo)
    assert status == 400 and len(body) < 6000
    status, _, body = send_form(server, [('n' * 9000, '1')], photo)
    assert (status, error_of(body)[0]) == (400, 'bad_form')


@pytest.mark.parametrize('mix, same', [
    ('1:1e39', '1'), ('1:3e38,2:3e38', '1,2'), ('1:1e38,4:3e38', '1:1,4:3'), ('2:1e300,3:1e300', '2,3'),
    ('1:1e-46', '1'), ('1:1e-300,2:1e-300', '1,2')])
def test_only_the_ratio_of_weights_counts(server, photo, mix, same):
    status, _, body = server.stylize(photo, 'format=png&style=' + mix)
    assert status == 200
    expected = pixels_of(server.stylize(photo, 'format=png&style=' + same)[2])
    assert np.abs(pixels_of(body).astype(int) - expected).max() <= 1


@pytest.mark.parametrize('style', ['1:1e308,1:1e308', '1:1e400', '1:nan', '9' * 900, '9' * 12,
                                   '1:' + '9' * 900, '\u0663', '\u00b2', ',', ''])
def test_numbers_that_are_none_are_400(server, photo, style):
    status, _, body = send_form(server, [('style', style)], photo)
    assert status == 400 or style == '\u0663'  # a digit of another script is a digit
    if status == 400:
        assert error_of(body)[1].startswith('style')


@pytest.mark.parametrize('number', ['0', '9', '-1', '1.0', LONG, '%D9%A3', 'x'])
def test_a_thumbnail_that_is_not_there_is_404(server, number):
    status, _, body = server.ask('GET', '/v1/styles/%s/thumbnail' % number)
    assert (status, error_of(body)[0]) == (404, 'not_found')


@pytest.mark.parametrize('charset', ['nosuch', 'zlib_codec', 'idna', 'punycode', 'utf-16', 'undefined'])
def test_text_is_utf_8_whatever_a_part_says(server, photo, charset):
    body, headers = form([('style', '3'), ('format', 'png')], photo)
    said = body.replace(b'name="style"\r\n',
                        b'name="style"\r\nContent-Type: text/plain; charset=%s\r\n' % charset.encode())
    assert said != body
    assert server.ask('POST', '/v1/stylize', said, headers)[2] == server.stylize(
        photo, 'style=3&format=png')[2]
    said = body.replace(b'name="style"', b"name*=%s''style" % charset.encode())
    assert server.ask('POST', '/v1/stylize', said, headers)[0] in (200, 400)
    said = body.replace(b'\r\n3\r\n', b'\r\n\xff\xfe\r\n')
    status, _, answer = server.ask('POST', '/v1/stylize', said, headers)
    assert status == 400 and 'UTF-8' in error_of(answer)[1]


def bad_forms(photo):
    body, headers = form([('style', '1')], photo)
    kind = headers['Content-Type']
    part = b'--b\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n1\r\n'
    return {
        'many fields': (b''.join(part % number for number in range(5000)) + b'--b--\r\n', 'b'),
        'cut': (body[:-30], kind), 'cut in a header': (body[:60], kind),
        'another boundary': (body, 'multipart/form-data; boundary=other'),
        'no boundary': (body, 'multipart/form-data'),
        'empty boundary': (body, 'multipart/form-data; boundary='),
        'long boundary': (body, 'multipart/form-data; boundary=' + 'x' * 1000),
        'odd charset': (body, "multipart/form-data; boundary*=nosuch''x"),
        'no name': (b'--b\r\n\r\nabc\r\n--b--\r\n', 'b'),
        'no colon': (b'--b\r\nabc\r\n\r\nabc\r\n--b--\r\n', 'b'),
        'long header': (b'--b\r\nX: ' + b'a' * 900000 + b'\r\n\r\n\r\n--b--\r\n', 'b'),
        'only boundaries': (b'\r\n--b' * 200000, 'b'), 'returns': (b'--b\r\n\r\n' + b'\r' * 900000, 'b'),
        'almost boundaries': (b'--b\r\n\r\n' + b'\r\n--a' * 180000, 'b'), 'nothing': (b'', 'b')}


@pytest.mark.parametrize('name', sorted(bad_forms(b'')))
def test_a_form_that_is_none_is_400(server, photo, name):
    body, kind = bad_forms(photo)[name]
    kind = 'multipart/form-data; boundary=b' if kind == 'b' else kind
    status, _, answer = server.ask('POST', '/v1/stylize', body, {'Content-Type': kind})
    assert (status, error_of(answer)[0]) == (400, 'bad_form')
    assert len(answer) < 6000


@pytest.mark.parametrize('start', [b'', b'\r', b'\n', b'\r\n', b'\r\n--'])
def test_a_photo_of_a_form_is_taken_byte_by_byte(server, start):
    status, _, body = send_form(server, [], start + b'no picture' * 90000)
    assert (status, error_of(body)[0]) == (422, 'unusable_picture')


def grey_png(width, height):
    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 1, 0, 0, 0, 0))
            + chunk(b'IDAT', zlib.compress((b'\0' * ((width + 7) // 8 + 1)) * height)) + chunk(b'IEND', b''))


@pytest.mark.parametrize('width, height', [(70000, 2), (2, 70000), (5000000, 1), (50000000, 1), (1, 400000)])
@pytest.mark.parametrize('format_', ['jpeg', 'png'])
def test_a_very_long_photo_gets_the_longest_result_there_is(server, width, height, format_):
    status, _, body = server.stylize(grey_png(width, height), 'format=%s' % format_)
    if max(width, height) > restyling.MAX_PHOTO_SIDE:
        assert (status, error_of(body)[0]) == (422, 'unusable_picture')
    else:
        assert status == 200 and max(Image.open(io.BytesIO(body)).size) == 65500


def chunked(data):
    return b'%x\r\n%s\r\n0\r\n\r\n' % (len(data), data)


@pytest.mark.parametrize('request_, status', [
    (b'GET /healthz HTTP/1.1\r\nBad Header\r\n\r\n', 400),
    (b'GET /healthz HTTP/1.1\r\n\r\n', 400),
    (b'\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03' + b'\0' * 200 + b'\r\n\r\n', 400),
    (b'POST /v1/stylize HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n', 400),
    (b'POST /v1/stylize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n', 413),
    (b'POST /v1/stylize HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n', 501),
    (b'POST /v1/stylize HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n'
     b'\r\nx', 415),
    (b'GET /healthz HTTP/1.1\r\nX: ' + b'a' * 300000 + b'\r\n\r\n', 431),
    (b'GET /healthz HTTP/1.1\r\n' + b'X: a\r\n' * 10000 + b'\r\n', 431),
    (b'GET /' + b'a' * 100000 + b' HTTP/1.1\r\nHost: localhost\r\n\r\n', 431),
    (b'GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n', 404),
    (b'BREW /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n', 405),
    (b'GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n', 403),
    (b'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n', 200),
], ids=lambda value: value if isinstance(value, int) else '')
def test_every_answer_has_the_security_headers_and_is_json(server, request_, status):
    last = request_.replace(b'\r\nHost: localhost', b'\r\nHost: localhost\r\nConnection: close')
    got, headers, body = of_raw(server.raw(last))
    assert got == status
    assert {name.lower() for name in SECURITY} <= headers
    assert json.loads(body.decode('utf-8'))


@pytest.mark.parametrize('length', [LONG, '-1', '1, 2', '0x10'])
def test_a_content_length_that_is_none_is_no_500(server, length):
    got, _, body = of_raw(server.raw(b'POST /v1/stylize HTTP/1.1\r\nHost: localhost\r\nContent-Length: '
                                     + length.encode() + b'\r\n\r\n'))
    assert got in (400, 413)
    assert error_of(body)[0] in ('bad_request', 'upload_too_large')


@pytest.mark.parametrize('host, status', [
    ('localhost', 200), ('LocalHost:8080', 200), ('127.0.0.1', 200), ('127.9.9.9:1', 200), ('[::1]:80', 200),
    ('painter.example', 200), ('other.example:443', 200), ('a.localhost', 200), ('localhost.', 200),
    ('evil.example', 403), ('127.0.0.1.evil.example', 403), ('localhost.evil.example', 403),
    ('192.0.2.1', 403), ('evil.example#localhost', 403), ('localhost@evil.example', 403),
    ('evil.example, localhost', 403), ('localhost:x', 403), ('', 403)])
def test_it_answers_to_its_own_names_alone(server, photo, host, status):
    got, _, body = server.ask('GET', '/v1/styles', None, {'Host': host})
    assert got == status
    if status == 403:
        assert error_of(body)[0] == 'forbidden_host' and '--allowed_hosts' in error_of(body)[1]
    assert server.ask('POST', '/v1/stylize', photo, {'Host': host})[0] == status
    assert server.ask('GET', '/healthz', None, {'Host': host})[0] == 200  # a probe knows an address only


def test_the_host_in_an_absolute_target_counts(server):
    got, _, body = of_raw(server.raw(
        b'GET http://evil.example/v1/styles HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'))
    assert (got, error_of(body)[0]) == (403, 'forbidden_host')


@pytest.mark.parametrize('origin, status', [
    ('http://127.0.0.1:PORT', 200), ('https://127.0.0.1:PORT', 200), ('https://friend.example', 200),
    ('https://FRIEND.example', 200), ('http://127.0.0.1:1', 403), ('http://localhost:PORT', 403),
    ('http://friend.example', 403), ('https://evil.example', 403), ('null', 403), ('', 403),
    ('file://', 403), ('http://[', 403)])
def test_pages_of_other_sites_may_not_send_photos(server, photo, origin, status):
    origin = origin.replace('PORT', str(server.port))
    got, headers, body = server.ask('POST', '/v1/stylize', photo, {'Origin': origin})
    assert got == status
    if status == 403:
        assert error_of(body)[0] == 'forbidden_origin' and '--allow_origin' in error_of(body)[1]
    shared = headers['Access-Control-Allow-Origin']
    assert shared == (origin if 'friend' in origin.lower() and status == 200 else None)
    assert server.ask('GET', '/v1/styles', None, {'Origin': origin})[0] == 200


def test_a_browser_is_told_that_a_named_site_may_send(server):
    status, headers, _ = server.ask('OPTIONS', '/v1/stylize', None, {
        'Origin': 'https://friend.example', 'Access-Control-Request-Method': 'POST'})
    assert status == 200
    assert headers['Access-Control-Allow-Origin'] == 'https://friend.example'
    assert 'POST' in headers['Access-Control-Allow-Methods']
    status, headers, _ = server.ask('OPTIONS', '/v1/stylize', None, {'Origin': 'https://evil.example'})
    assert headers['Access-Control-Allow-Origin'] is None


@pytest.mark.parametrize('path', ['%0A2026 POST /forged 200', '%0D%0A2026 forged', '%1B[2Jforged',
                                  '%C2%85forged', '%E2%80%A8forged', '%E2%80%AEforged', '%00forged',
                                  '%FFforged'])
def test_a_request_is_one_line_of_the_log_and_shows_no_control_characters(server, log, path):
    with open(log, 'rb') as file:
        before = len(file.read())
    assert server.ask('GET', '/nothing/' + path.replace(' ', '%20'))[0] == 404
    server.ask('GET', '/v1/styles')
    with open(log, 'rb') as file:
        lines = file.read()[before:].decode('utf-8').split('\n')
    assert len(lines) == 3 and 'forged' in lines[0] and '/v1/styles' in lines[1] and not lines[2]
    assert lines[0].isprintable()


def test_a_client_that_leaves_is_no_traceback(server, log, photo):
    for _ in range(5):
        connection = server.connect()
        connection.request('POST', '/v1/stylize', photo, {'Content-Type': 'image/jpeg'})
        connection.sock.setsockopt(1, 13, struct.pack('ii', 1, 0))  # SO_LINGER: gone at once
        connection.close()
    assert server.stylize(photo)[0] == 200
    with open(log) as file:
        text = file.read()
    assert 'Traceback' not in text and 'rror' not in text.replace('forged', '')


def test_a_traceback_in_the_log_cannot_be_taken_for_lines_of_it():
    try:
        raise KeyError('x') from ValueError('a\n2026 POST /forged 200\r\x1b[2J\u2028forged')
    except KeyError:
        record = logging.LogRecord('n', logging.ERROR, 'p', 1, 'failed\n2026 forged', None, sys.exc_info())
    lines = OneLine('%(asctime)s %(message)s').format(record).split('\n')
    assert 'failed\\n2026 forged' in lines[0]
    assert len(lines) > 5 and all(line.startswith('    ') and line.isprintable() for line in lines[1:])
