"""Masks in the API, through a real socket: what they paint, several of them, and what is none."""

import json

import numpy as np
import onnx_networks
import pytest
from server_process import Server, error_of, form_of, pixels_of, png

from resnet_in_tf.network.regions import Regions
from resnet_in_tf.pictures import images
from resnet_in_tf.pictures.masks import Masks
from resnet_in_tf.restyling.stylizer import Stylizer

LEFT = np.zeros([48, 64], np.uint8)
LEFT[:, :32] = 255


@pytest.fixture(scope='module', params=['.pb', '.onnx'])
def model(request, tmp_path_factory):
    path = tmp_path_factory.mktemp('any') / ('any' + request.param)
    if request.param == '.onnx':
        pytest.importorskip('onnxruntime')
        return onnx_networks.write(path)
    import networks
    return networks.write_any(path, training={'style_size': 40})


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


def send(server, photo, masks, paintings=(), **fields):
    files = [('photo', photo)] + [('mask', mask) for mask in masks]
    files += [('style_image', painting) for painting in paintings]
    return server.ask('POST', '/v1/stylize', *form_of(dict({'format': 'png'}, **fields).items(), files))


def test_masks_give_what_the_command_line_gives(server, model, photo, paintings):
    with open(paintings[0], 'rb') as file:
        painting = file.read()
    decoded, mask, other = images.decode(photo, 'photo'), png(LEFT), png(LEFT.T[:, ::-1].copy())
    with Stylizer(model) as stylizer:
        def weights(*args):
            return stylizer.style_weights(*args)
        seen = [LEFT, images.resize(LEFT.T[:, ::-1], 64, 48)]
        for fields, masks, pictures, style in (
                ({}, 1, [], [weights('wave'), weights('identity')]),
                ({'style': 'udnie', 'elsewhere': '1:0.5,udnie:0.5', 'strength': 0.8}, 1, [],
                 [weights('udnie', .8), weights('wave:.5,udnie:.5', .8)]),
                ({'elsewhere': 'udnie'}, 1, [painting], [weights(None, 1, paintings[:1]), weights('udnie')]),
                ({'mask_styles': 'wave; 2', 'elsewhere': 'udnie'}, 2, [],
                 [weights('wave'), weights('udnie'), weights('udnie')])):
            got = pixels_of(send(server, photo, [mask, other][:masks], pictures, **fields))
            wanted = stylizer.stylize(decoded, Regions(style, Masks(seen[:masks])))
            assert abs(got - np.clip(wanted, 0, 255)).max() <= 1.5, fields
        assert np.array_equal(got, pixels_of(send(server, photo, [mask, other], mask_styles='wave;2',
                                                  elsewhere='2')))


def test_transparent_is_outside(server, photo):
    rgba = np.dstack([np.full([48, 64, 3], 255, np.uint8), LEFT])
    found, wanted = [pixels_of(send(server, photo, [png(mask)])) for mask in (rgba, LEFT)]
    assert np.array_equal(found, wanted)


def test_styles_tell_how_many_are_taken(server):
    assert json.loads(server.ask('GET', '/v1/styles')[2].decode('utf-8'))['limits']['masks'] == 4
    document = json.loads(server.ask('GET', '/openapi.json')[2].decode('utf-8'))
    content = document['paths']['/v1/stylize']['post']['requestBody']['content']
    fields = content['multipart/form-data']['schema']['properties']
    assert fields['mask']['maxItems'] == 4 and {'mask_styles', 'elsewhere'} <= set(fields)


@pytest.mark.parametrize('count, fields, words', [
    (0, {'elsewhere': 'wave'}, 'elsewhere: is for a request with a file in mask'),
    (0, {'mask_styles': 'wave'}, 'mask_styles: is for a request with a file in mask'),
    (2, {}, 'mask_styles: 1 for 2 masks; give one for each'),
    (1, {'mask_styles': 'wave;udnie'}, 'mask_styles: 2 for 1 masks'),
    (1, {'mask_styles': 'monet'}, "mask_styles monet: this network has no style 'monet'"),
    (1, {'elsewhere': 'monet'}, "elsewhere monet: this network has no style 'monet'"),
    (1, {'match_color': 'painting'}, 'match_color painting: a picture with masks has several paintings'),
    (5, {}, 'mask: 5 are too many; at most 4')])
def test_what_does_not_go_together_is_400(server, photo, count, fields, words):
    status, _, body = send(server, photo, [png(LEFT)] * count, **fields)
    assert (status, error_of(body)[0]) == (400, 'bad_parameter')
    assert error_of(body)[1].startswith(words)


@pytest.mark.parametrize('mask', [b'no picture', b'', png(LEFT)[:60], png(np.zeros([800, 800], np.uint8))],
                         ids=['text', 'empty', 'cut', 'too many pixels'])
def test_a_bad_mask_is_one_clear_problem(server, photo, mask):
    status, _, body = send(server, photo, [mask])
    assert (status, error_of(body)[0]) == (422, 'unusable_picture')
    assert error_of(body)[1].startswith('mask: ') and 'JPEG or PNG' in error_of(body)[1]
