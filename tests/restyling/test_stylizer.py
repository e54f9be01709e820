"""A frozen network at work: mixes of styles, strength, one picture or many, the photo's colours."""

import os
import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import color
from resnet_in_tf.pictures.color import preserve_color
from resnet_in_tf.restyling.stylizer import Stylizer, parse_mix

NAMES = ['wave', 'udnie', '1999', 'identity']


@pytest.mark.parametrize('mix, strength, weights', [
    ('wave', 1, [1, 0, 0, 0]), ('2', 1, [0, 1, 0, 0]), ('wave:0.7,udnie:0.3', 1, [.7, .3, 0, 0]),
    ('wave:7,2:3', 1, [.7, .3, 0, 0]), ('wave,udnie', 1, [.5, .5, 0, 0]), (' wave : 2 ', 1, [1, 0, 0, 0]),
    ('wave', 0, [0, 0, 0, 1]), ('wave', .25, [.25, 0, 0, .75]), ('1:0,2:1', .5, [0, .5, 0, .5]),
    ('wave,wave:3', 1, [1, 0, 0, 0]), ('1999', 1, [0, 0, 1, 0]), (3, 1, [0, 0, 1, 0]),
    ('identity', 1, [0, 0, 0, 1]), ('wave:1e-1,udnie:.9', 1, [.1, .9, 0, 0])])
def test_a_mix_becomes_weights_that_sum_to_one(mix, strength, weights):
    row = parse_mix(mix, strength, NAMES)
    assert row.dtype == np.float32 and row == pytest.approx(np.float32(weights), abs=1e-6)


@pytest.mark.parametrize('mix, words', [
    ('monet', "no style 'monet'; it has 1 wave, 2 udnie, 3 1999"), ('0', "no style '0'"),
    ('4', "no style '4'"), ('', "no style ''"), ('wave,', "no style ''"), ('-1', "no style '-1'"),
    ('wave:x', 'weight of wave must be a number'), ('wave:-1', 'must be a number from 0 up'),
    ('wave:nan', 'must be a number'), ('wave:inf', 'must be a number'), (':0.5', "no style ''"),
    ('wave:0', 'the weights sum to zero'), ('\u00b2', 'no style')])
def test_a_mix_that_means_nothing_is_one_line_that_names_the_flag(mix, words):
    with pytest.raises(UserError) as caught:
        parse_mix(mix, 1.0, NAMES)
    assert str(caught.value).startswith('--style ') and words in str(caught.value)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('mix, weights', [
    ('wave:1e39', [1, 0]), ('wave:1e38,udnie:3e38', [.25, .75]),
    ('wave:1e300,udnie:1e300,wave:1e300', [2/3, 1/3]),
    ('wave:1e-320', [1, 0]), ('wave:1e-300,udnie:3e-300', [.25, .75]), ('wave:1e300,udnie:1e-300', [1, 0]),
    (','.join(['wave:1e300'] * 900), [1, 0]), ('1:0,2:1', [0, 1]), ('wave:0.5,2', [1/3, 2/3]),
    ('wave,2', [.5, .5])])
def test_weights_of_any_size_keep_their_proportion(mix, weights):
    row = parse_mix(mix, 1.0, NAMES)
    assert row == pytest.approx(np.float32(weights + [0, 0]), abs=1e-6)


@pytest.mark.parametrize('mix', [
    'wave:1e301', '1' * 5000, 'wave:' + '1' * 5000, 'wave:0.' + '1' * 5000, '1,' * 5001, 'x' * 10 ** 7,
    '1:' + '9' * 309, 'wave:1e99999', 'e' * 9000])
def test_numbers_and_names_without_end_are_one_short_line_at_once(mix):
    with pytest.raises(UserError) as caught:
        parse_mix(mix, 1.0, NAMES)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize('mix', ['wave:0,7', 'wave:0,2', 'wave:0,75,udnie:0,25', 'udnie : 1 , 05', 'wave:0,',
                                 '1:0,2', '2:0,75,1:0,25', '1:3,2', '1999:0,2'])
def test_a_decimal_comma_is_an_error_that_shows_the_point(mix):
    with pytest.raises(UserError) as caught:
        parse_mix(mix, 1.0, NAMES)
    if not mix.endswith(','):
        assert 'a comma stands between styles' in str(caught.value)
        assert 'as in %s.%s,' % tuple(part.strip() for part in mix.split(',')[:2]) in str(caught.value)


def test_accents_are_the_same_however_they_are_written():
    apart, together = 'cafe\u0301', 'caf\u00e9'
    for names in ([apart, 'identity'], [together, 'identity']):
        for mix in (apart, together, apart + ':2', '1'):
            assert parse_mix(mix, 1.0, names).tolist() == [1, 0]
    both = [together, apart, 'identity']  # of an old network: the first has the name, both their numbers
    assert parse_mix(apart, 1.0, both).tolist() == [1, 0, 0]
    assert parse_mix('2', 1.0, both).tolist() == [0, 1, 0]


@pytest.mark.parametrize('strength', [-.1, 1.1, float('nan'), float('inf')])
def test_strength_is_between_0_and_1(strength):
    with pytest.raises(UserError, match='^--strength .* is not between 0 and 1'):
        parse_mix('wave', strength, NAMES)


@pytest.fixture(scope='module')
def network(tiny_model):
    network = Stylizer(tiny_model, impl='reference')
    yield network
    network.close()


def test_a_network_knows_its_styles_and_how_it_was_trained(network):
    assert network.style_names == ['waves', 'tiles', 'identity'] and network.styles == ['waves', 'tiles']
    assert network.card['steps'] == 24 and network.card['training']['width'] == 4


@pytest.mark.parametrize('height, width', [(1, 1), (1, 512), (512, 1), (2, 3), (513, 257)])
def test_pictures_of_any_size_keep_it(network, face, height, width):
    picture = np.resize(face, [768, 1024, 3])[:height, :width]
    result = network.stylize(picture, network.style_weights('waves'))
    assert result.shape == (height, width, 3) and result.dtype == np.float32
    # tanh rounds past 1 by one unit with some instructions: 0.00002 of 255.
    assert np.isfinite(result).all() and -1e-4 < result.min() and result.max() < 255 + 1e-4


def test_strength_zero_is_the_photo_and_one_is_not(network, photo):
    assert (network.stylize(photo, network.style_weights('tiles', 0)) == photo).all()
    distances = [abs(network.stylize(photo, network.style_weights('tiles', strength)) - photo).mean()
                 for strength in (0, .5, 1)]
    assert distances[0] == 0 and distances[1] > 1 and distances[2] > 1


def test_bytes_and_floats_one_and_many_give_the_same(network, photo):
    weights = network.style_weights('waves')
    one = network.stylize(photo, weights)
    assert (network.stylize(photo.astype('float32'), weights) == one).all()
    both = network.stylize(np.stack([photo, photo]), np.stack([weights, network.style_weights('2')]))
    assert both[0] == pytest.approx(one, abs=0.05)
    assert both[1] == pytest.approx(network.stylize(photo, network.style_weights('tiles')), abs=0.05)
    assert abs(both[0] - both[1]).max() > 1


def test_a_file_that_is_no_network_is_one_line_that_names_it(tmp_path, tiny_model):
    with open(tiny_model, 'rb') as file:
        data = file.read()
    (tmp_path / 'folder.pb').mkdir()
    (tmp_path / 'text.pb').write_text('A text, not a network.\n' * 9)
    (tmp_path / 'empty.pb').write_bytes(b'')
    (tmp_path / 'cut.pb').write_bytes(data[:len(data) // 2])
    damaged = data.replace(b'Conv2D', b'Conv9D')
    (tmp_path / 'damaged.pb').write_bytes(damaged)
    with tf.Graph().as_default() as graph:
        tf.constant(1.0, name='image')
        (tmp_path / 'other.pb').write_bytes(graph.as_graph_def().SerializeToString())
    for name, words in (('none.pb', 'No such file'), ('folder.pb', 'Is a directory'),
                        ('text.pb', 'not a TensorFlow graph; freeze_graph.py writes one'),
                        ('empty.pb', 'not a TensorFlow graph'), ('cut.pb', 'not a TensorFlow graph'),
                        ('damaged.pb', 'damaged'),
                        ('other.pb', 'not one of freeze_graph.py: it has no node style_weights')):
        with pytest.raises(UserError) as caught:
            Stylizer(str(tmp_path / name))
        message = str(caught.value)
        assert message.startswith('--model %s: ' % (tmp_path / name)) and words in message, message
        assert '\n' not in message


def test_a_network_may_lie_anywhere(tmp_path, tiny_model, photo):
    path = str(tmp_path / 'caf\u00e9 [1].pb')
    shutil.copy(tiny_model, path)
    network = Stylizer(path)
    assert network.stylize(photo, network.style_weights('1')).shape == photo.shape
    network.close()
    assert os.path.exists(path)


def test_preserving_colour_keeps_the_photos_chroma_and_takes_the_new_luminance():
    generator = np.random.RandomState(0)
    photo = generator.uniform(110, 140, [6, 7, 3])
    stylized = generator.uniform(110, 140, [6, 7, 3])
    result = preserve_color(photo, stylized)
    luma, chroma = color.TO_YUV[0], color.TO_YUV[1:]
    assert result @ luma == pytest.approx(stylized @ luma, abs=1e-2)
    assert result @ chroma.T == pytest.approx(photo @ chroma.T, abs=1e-2)
    assert result.dtype == np.float32 and result.shape == (6, 7, 3)


def test_preserving_colour_of_a_grey_photo_is_grey_and_stays_in_range(face):
    grey = np.repeat(face[:20, :20, :1], 3, 2)
    result = preserve_color(grey, face[20:40, :20])
    assert abs(result - result.mean(axis=2, keepdims=True)).max() < 0.5
    bright = preserve_color(np.full([2, 2, 3], [255, 0, 0], np.uint8), np.full([2, 2, 3], 255, np.uint8))
    assert bright.min() >= 0 and bright.max() <= 255


def test_preserving_colour_of_itself_changes_nothing(face):
    assert preserve_color(face[:30, :30], face[:30, :30]) == pytest.approx(
        face[:30, :30].astype('float32'), abs=0.05)
