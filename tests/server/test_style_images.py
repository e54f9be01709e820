"""Pictures as styles in the API, through a real socket: alone, mixed, bad ones, and where none are taken."""

import io
import json

import networks
import numpy as np
import pytest
from PIL import Image
from server_process import Server, error_of, form, pixels_of, png, write_network

from resnet_in_tf import memory
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling import engines
from resnet_in_tf.restyling.style_images import StyleImages
from resnet_in_tf.restyling.stylizer import Stylizer
from resnet_in_tf.server import restyling, style_images

LIMITS = restyling.Limits(20, 10 ** 6, 10 ** 6, 60, 1, 8, 260, restyling.STYLE_IMAGES)


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return networks.write_any(tmp_path_factory.mktemp('any') / 'any.pb', training={'style_size': 40})


@pytest.fixture(scope='module')
def server(model):
    server = Server(model, '--max_upload', '1', '--max_photo', '0.5')
    yield server
    text = server.ask('GET', '/metrics')[2].decode('utf-8')
    server.stop()
    assert 'status="500"' not in text


@pytest.fixture(scope='module')
def photo(face):
    return images.encode(images.resize(face, 64, 48), 'JPEG')


@pytest.fixture(scope='module')
def files(paintings):
    """The bytes of two paintings."""
    found = []
    for path in paintings[:2]:
        with open(path, 'rb') as file:
            found.append(file.read())
    return found


def send(server, photo, pictures, **fields):
    fields.setdefault('format', 'png')
    return server.ask('POST', '/v1/stylize', *form(list(fields.items()), photo, pictures))


def test_a_style_image_gives_what_the_command_line_gives(server, model, photo, files, paintings):
    stylizer, decoded = Stylizer(model), images.decode(photo, 'photo')
    for fields, pictures, mix, strength, names in (
            ({}, files[:1], None, 1, paintings[:1]),
            ({'style_image_weights': '3, 1'}, files, None, 1, [paintings[0] + ':3', paintings[1]]),
            ({'style': 'udnie:3', 'strength': '0.5'}, files[:1], 'udnie:3', .5, paintings[:1]),
            ({'style': '2:0.2', 'style_image_weights': '0.6,0.2', 'strength': '0.9'}, files, '2:0.2', .9,
             [paintings[0] + ':0.6', paintings[1] + ':0.2'])):
        got = pixels_of(send(server, photo, pictures, **fields))
        wanted = stylizer.stylize(decoded, stylizer.style_weights(mix, strength, names))
        assert abs(got - wanted).max() <= 1, fields
        assert abs(wanted - stylizer.stylize(decoded, stylizer.style_weights('1'))).mean() > 1
    stylizer.close()
    assert np.array_equal(pixels_of(send(server, photo, files, strength=0)), decoded)


def test_styles_tell_how_many_are_taken_and_how_large(server):
    limits = json.loads(server.ask('GET', '/v1/styles')[2].decode('utf-8'))['limits']
    assert (limits['style_images'], limits['style_image_side']) == (8, 40)
    document = json.loads(server.ask('GET', '/openapi.json')[2].decode('utf-8'))
    content = document['paths']['/v1/stylize']['post']['requestBody']['content']
    fields = content['multipart/form-data']['schema']['properties']
    assert fields['style_image']['maxItems'] == 8 and 'style_image_weights' in fields
    limits = document['paths']['/v1/styles']['get']['responses']['200']['content']['application/json'][
        'schema']['properties']['limits']
    assert {'style_images', 'style_image_side'} <= set(limits['required'])


NOISE = np.random.RandomState(0)
FLAT = {'grey': np.full([30, 20], 99), 'of one colour': np.full([30, 20, 3], 200), '1x1': np.zeros([1, 1, 3]),
        'clear': np.zeros([9, 9, 4]), 'large': np.full([700, 700, 3], 50)}


@pytest.mark.parametrize('painting', [
    png(NOISE.randint(0, 256, [30, 20]).astype(np.uint8)),
    png(NOISE.randint(0, 256, [20, 30, 4]).astype(np.uint8)),
    png(np.arange(600, dtype=np.uint16).reshape(20, 30) * 100),
    png(NOISE.randint(0, 256, [1, 9000, 3]).astype(np.uint8)),
    png((np.indices([700, 700]).sum(0) // 6).astype(np.uint8))],
    ids=['grey', 'alpha', '16 bits', 'a line', 'large'])
def test_an_odd_painting_is_a_style(server, photo, painting):
    got = pixels_of(send(server, photo, [painting]))
    assert got.shape == (48, 64, 3) and len(np.unique(got)) > 1


@pytest.mark.parametrize('name', sorted(FLAT))
def test_one_colour_is_no_style(server, photo, name):
    status, _, body = send(server, photo, [png(FLAT[name].astype(np.uint8))])
    assert (status, error_of(body)[0]) == (422, 'unusable_picture')
    assert error_of(body)[1].startswith('style_image: is one colour all over; a style needs two or more. ')


def bad(name, files):
    buffer = io.BytesIO()
    if name in ('webp', 'tiff', 'gif'):
        Image.new('RGB', (20, 20)).save(buffer, name)
    return {'text': b'no picture', 'empty': b'', 'cut': files[0][:len(files[0]) // 2],
            'too many pixels': png(np.zeros([800, 800], np.uint8)),
            'too long': png(np.zeros([1, 500001], bool))}.get(name, buffer.getvalue())


@pytest.mark.parametrize('name', ['text', 'empty', 'cut', 'webp', 'tiff', 'gif', 'too many pixels',
                                  'too long'])
def test_a_bad_painting_is_one_clear_problem(server, photo, files, name):
    for pictures, field in (([bad(name, files)], 'style_image: '),
                            ([files[0], bad(name, files)], 'style_image 2: ')):
        status, _, body = send(server, photo, pictures)
        code, message = error_of(body)
        assert (status, code) == (422, 'unusable_picture')
        assert message.startswith(field) and 'JPEG or PNG of at most 0.5 million' in message
        assert '\n' not in message


@pytest.mark.parametrize('count, fields, words', [
    (2, {'style_image_weights': '1'}, 'style_image_weights: 1 for 2 style images; give one for each'),
    (0, {'style_image_weights': '1'}, 'style_image_weights: 1 for 0 style images'),
    (1, {'style_image_weights': 'x'}, "style_image_weights: 'x' will not do"),
    (1, {'style_image_weights': '-1'}, 'style_image_weights: '),
    (1, {'style_image_weights': 'nan'}, 'style_image_weights: '),
    (1, {'style_image_weights': '1e9'}, 'style_image_weights: '),
    (2, {'style_image_weights': '1,,1'}, 'style_image_weights: '),
    (2, {'style_image_weights': '0,0'}, 'style_image_weights: the weights sum to zero'),
    (1, {'style_image_weights': '0', 'style': '1:0'}, 'style_image_weights: the weights sum to zero'),
    (1, {'style': 'monet'}, "style monet: this network has no style 'monet'"),
    (9, {}, 'style_image: 9 pictures are too many; at most 8')])
def test_weights_and_numbers_that_are_none_are_400(server, photo, files, count, fields, words):
    status, _, body = send(server, photo, files[:1] * count, **fields)
    assert (status, error_of(body)[0]) == (400, 'bad_parameter')
    assert error_of(body)[1].startswith(words)


def test_eight_paintings_mix(server, photo, files):
    assert send(server, photo, (files * 4), style='1')[0] == 200


def test_all_pictures_together_keep_to_the_limit_of_an_upload(server, photo, files):
    status, _, body = send(server, photo, [files[0] + b'\0' * 600000] * 2)
    assert (status, error_of(body)[0]) == (413, 'upload_too_large')


def test_a_form_of_style_images_alone_is_told_what_is_missing(server, files):
    status, _, body = server.ask('POST', '/v1/stylize', *form([], None, files))
    assert (status, error_of(body)[0]) == (400, 'bad_parameter')
    assert error_of(body)[1].startswith('photo: ')


def test_a_network_without_a_predictor_says_so(tmp_path, photo, files):
    server = Server(write_network(str(tmp_path / 'plain.pb')))
    try:
        status, _, body = send(server, photo, files[:1])
        limits = json.loads(server.ask('GET', '/v1/styles')[2].decode('utf-8'))['limits']
    finally:
        server.stop()
    assert (status, error_of(body)[0]) == (400, 'bad_parameter')
    assert error_of(body)[1].startswith('style_image: this server makes no style from a picture')
    assert (limits['style_images'], limits['style_image_side']) == (0, 0)


def test_a_row_is_paid_for_once(files):
    made = []
    maker = StyleImages(lambda painting: made.append(painting.shape) or np.zeros(3), {
        'training': {'style_size': 40}})
    first = style_images.cost(files, maker, LIMITS)
    sizes = [images.check(io.BytesIO(data)) for data in files]
    assert first == pytest.approx(sum(restyling.DECODE_COST * width * height for width, height in sizes)
                                  + style_images.PREDICT_COST * sum(shape[0] * shape[1] for shape in (
                                      restyling.fit(width, height, 40) for width, height in sizes)))
    assert len(style_images.rows(files, maker, LIMITS)) == len(made) == 2
    assert style_images.cost(files, maker, LIMITS) == 0
    style_images.rows(files[::-1], maker, LIMITS)
    assert len(made) == 2


def test_style_images_are_taken_only_where_memory_holds_one(monkeypatch, machine_memory):
    engine = engines.Engine('tensorflow', [], {}, None, None, None, width=8)
    monkeypatch.setattr(memory, 'CGROUPS', ())

    def taken(megabytes, side, **changed):
        machine_memory(1024000 * megabytes, total=2 ** 40)
        return restyling.within_memory(LIMITS._replace(**changed), engine, side).style_images

    assert taken(4000, 512) == 8 and taken(4000, 0) == 0
    assert taken(300, 512) == 0 and taken(300, 64) == 8
    assert taken(1000, 512) == 8 and taken(1000, 512, workers=4) == 0
