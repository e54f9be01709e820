"""Odd and bad pictures as styles: a style that paints, or one line that says what is wrong."""

import csv
import os
import struct
import zlib

import networks
import numpy as np
import pytest
import running
from PIL import Image

from resnet_in_tf import memory
from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling import style_images
from resnet_in_tf.restyling.stylizer import Stylizer

SEEN = 40  # longest side that the network is shown


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return networks.write_random(tmp_path_factory.mktemp('any') / 'any.pb', 'resnet_any', 2,
                                 encode=networks.encode, training={'style_size': SEEN})


@pytest.fixture(scope='module')
def network(model):
    opened = Stylizer(model, impl='reference')
    opened.style_images.checksum = None  # no row is left on disk
    yield opened
    opened.close()


def paint(network, photo, path):
    stylized = network.stylize(photo, network.style_weights(None, images=[str(path)]))
    assert stylized.shape == photo.shape and np.isfinite(stylized).all()
    assert stylized.min() >= -0.1 and stylized.max() <= 255.1
    return stylized


def spread(stylized):
    return stylized.reshape(-1, 3).std(axis=0).max()


@pytest.mark.parametrize('mode', ['L', 'LA', 'RGBA', 'I;16', '1', 'P', 'CMYK'])
def test_every_kind_of_pixels_is_a_style_that_shows_the_photo(network, photo, face, tmp_path, mode):
    painting = Image.fromarray(face[100:180, 100:220])
    path = tmp_path / ('style.tif' if mode == 'CMYK' else 'style.png')
    if mode == 'I;16':
        painting = Image.fromarray(np.asarray(painting.convert('L'), np.uint16) * 257)
    else:
        painting = painting.convert(mode)
    if 'A' in mode:
        painting.putalpha(Image.fromarray(np.tile(np.arange(120, dtype=np.uint8) * 2, [80, 1])))
    painting.save(str(path))
    stylized = paint(network, photo, path)
    assert spread(stylized) > 10
    if mode in ('L', 'LA', 'I;16', '1'):
        assert abs(stylized - stylized.mean(axis=2, keepdims=True)).mean() < 8  # grey as well


@pytest.mark.parametrize('shape', [(16, 4000), (4000, 16), (1, 300), (2, 1), (700, 500)])
def test_strips_and_large_pictures_are_shown_small(network, photo, tmp_path, monkeypatch, shape):
    seen = []
    predict = network.style_images.predict
    monkeypatch.setattr(network.style_images, 'predict',
                        lambda painting: seen.append(painting.shape) or predict(painting))
    ramp = np.linspace(0, 250, max(shape))
    ramp = np.broadcast_to(ramp[:, None] if shape[0] > shape[1] else ramp, shape)
    images.write(str(tmp_path / 'strip.png'), ramp[:, :, None] * [1, .6, .2])
    assert spread(paint(network, photo, tmp_path / 'strip.png')) > 5
    assert max(seen[0][:2]) == min(SEEN, max(shape)) and min(seen[0]) >= 1


@pytest.mark.parametrize('color, shape', [((200, 30, 30), (64, 64)), ((255, 255, 255), (30, 20)),
                                          ((0, 0, 0), (1, 1)), ((9, 99, 9), (1, 500))])
def test_one_colour_is_no_style(network, tmp_path, color, shape):
    path = str(tmp_path / 'flat.png')
    images.write(path, np.full(shape + (3,), color, np.uint8))
    with pytest.raises(UserError, match='flat.png: is one colour all over; a style needs'):
        network.style_weights(None, images=[path])
    noise = np.random.RandomState(0).randint(-1, 2, shape + (1,))
    images.write(path, np.clip(np.full(shape + (3,), color) + noise, 0, 255).astype(np.uint8))
    with pytest.raises(UserError, match='is one colour all over'):
        network.style_weights(None, images=[path])


def test_a_transparent_picture_is_white_all_over(network, tmp_path):
    Image.fromarray(np.zeros([20, 20, 4], np.uint8)).save(str(tmp_path / 'clear.png'))
    with pytest.raises(UserError, match='clear.png: is one colour all over'):
        network.style_weights(None, images=[str(tmp_path / 'clear.png')])


def write_bomb(path, side=30000):
    """A well-formed PNG of one bit a pixel: 2.7 GB as RGB."""
    def chunk(kind, data):
        body = kind + data
        return struct.pack('>I', len(data)) + body + struct.pack('>I', zlib.crc32(body))
    rows = zlib.compress(bytes((side // 8 + 1) * side), 9)
    header = struct.pack('>IIBBBBB', side, side, 1, 0, 0, 0, 0)
    path.write_bytes(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', rows)
                     + chunk(b'IEND', b''))


def test_memory_bounds_decoding_and_the_style_predictor(paintings, monkeypatch):
    rows = style_images.StyleImages(lambda painting: np.zeros(3), {}, max_memory=memory.resident() + 2 ** 24)
    assert rows.row(paintings[0]).shape == (3,)
    for name, function, words in (('PREDICTOR_BYTES', 2 ** 14, 'making a style of it'),
                                  ('decoding_bytes', lambda format: 2 ** 14, 'decoding it')):
        monkeypatch.setattr(memory, name, function)
        with pytest.raises(UserError, match='tiles.jpg: %s takes .*, more than --max_memory '
                           % words) as caught:
            rows.row(paintings[1])
        assert '\n' not in str(caught.value)


def test_hard_pictures_are_styles_or_one_line(network, photo, shared_data):
    folder = os.path.join(shared_data, 'hard_images')
    with open(os.path.join(folder, 'EXPECTED.csv'), encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    painted = 0
    for row in rows:
        path = os.path.join(folder, row['file'])
        valid = row['status'] == 'valid' and (row['width'], row['height']) != ('1', '1')
        try:
            paint(network, photo, path)
            painted += 1
            assert valid or row['note'].startswith('either'), row
        except UserError as error:
            assert not valid, row
            assert row['file'] in str(error) and '\n' not in str(error)
    assert painted > 30


def test_stylize_script_says_in_one_line_what_is_wrong_with_a_painting(model, photo, tmp_path):
    source = str(tmp_path / 'photo.png')
    images.write(source, photo)
    images.write(str(tmp_path / 'flat.png'), np.full([5, 5, 3], 99, np.uint8))
    write_bomb(tmp_path / 'bomb.png')
    (tmp_path / 'empty.jpg').write_bytes(b'')
    wanted = {'flat.png': 'is one colour all over', 'bomb.png': 'refused before decoding',
              'empty.jpg': 'the file is empty', 'none.jpg': 'no such file'}
    results = running.many([
        ['stylize.py', '--model', model, '--input', source, '--output', str(tmp_path / 'out.png'),
         '--style_image', str(tmp_path / name)] for name in wanted])
    for words, result in zip(wanted.values(), results):
        assert (result.returncode, result.stdout) == (2, '') and result.stderr.count('\n') == 1, result.stderr
        assert words in result.stderr
    assert not os.path.exists(str(tmp_path / 'out.png'))
