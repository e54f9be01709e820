"""Styles by region: equal styles cancel out, each region is in its own style, and what is no mask is told."""

import networks
import numpy as np
import pytest
from PIL import Image

from resnet_in_tf.errors import UserError
from resnet_in_tf.exports import onnx_model
from resnet_in_tf.network import frozen
from resnet_in_tf.network.layers import row_size
from resnet_in_tf.network.regions import Regions
from resnet_in_tf.pictures import images
from resnet_in_tf.pictures.masks import Masks, of_pixels
from resnet_in_tf.restyling import regions
from resnet_in_tf.restyling.stylizer import Stylizer


# What runs a system: TensorFlow, onnxruntime what it made of the .pb, and a .onnx as it is.
@pytest.fixture(scope='module', params=[
    ('resnet_any', 'tensorflow'), ('fnst', 'tensorflow'), ('resnet_any', 'onnxruntime'),
    ('fnst', 'onnxruntime'), ('resnet_any', '.onnx'), ('resnet_in', '.onnx')], ids=' '.join)
def opened(request, tmp_path_factory):
    """(system, Stylizer of TensorFlow, Stylizer of the engine)."""
    system, engine = request.param
    folder = tmp_path_factory.mktemp('regions')
    model = networks.write_random(folder / 'styles.pb', system)
    with Stylizer(model, engine='tensorflow') as one:
        if engine == 'tensorflow':
            yield system, one, one
            return
        pytest.importorskip('onnxruntime')
        with pytest.MonkeyPatch().context() as patch:
            patch.setenv('RESNET_IN_TF_CACHE', str(folder / 'cache'))
            with Stylizer(written(model) if engine == '.onnx' else model, engine='onnxruntime') as other:
                yield system, one, other


def written(model):
    """The .onnx of a .pb."""
    graph_def, names, card = frozen.read_graph(model)
    path = model[:-len('.pb')] + '.onnx'
    with open(path, 'wb') as file:
        file.write(onnx_model.convert_network(graph_def, names, card, path)[0])
    return path


@pytest.fixture(scope='module')
def stylizer(opened):
    return opened[2]


@pytest.fixture(scope='module')
def photo(face):
    return face[200:401, 300:542]  # [201, 242, 3]: padded, and larger than the small copy


def some(seed=0):
    return np.random.RandomState(seed).randint(0, 256, [50, 70]).astype(np.uint8)


def test_equal_styles_are_as_without_masks(stylizer, photo):
    for mix, strength in (('wave', 1.0), ('wave:0.7,udnie:0.3', 0.8), ('identity', 1.0)):
        weights = stylizer.style_weights(mix, strength)
        found = stylizer.stylize(photo, Regions([weights] * 3, Masks([some(0), some(1)])))
        assert np.abs(found - stylizer.stylize(photo, weights)).max() < 1


def halves(photo):
    mask = np.zeros(photo.shape[:2], np.uint8)
    mask[:, photo.shape[1] // 2:] = 255
    return mask


def test_each_half_is_in_its_own_style(stylizer, photo):
    wave, udnie = [stylizer.style_weights(name) for name in ('wave', 'udnie')]
    found = stylizer.stylize(photo, Regions([udnie, wave], Masks([halves(photo)])))
    left, right = np.s_[:, :61], np.s_[:, -61:]  # 60 pixels from the edge: what a pixel sees
    alone = {name: stylizer.stylize(photo, weights) for name, weights in (('wave', wave), ('udnie', udnie))}
    for side, name, other in ((left, 'wave', 'udnie'), (right, 'udnie', 'wave')):
        to_own, to_other = [np.abs(found[side] - alone[each][side]).mean() for each in (name, other)]
        assert to_own < 0.15 * to_other


def test_both_engines_paint_the_same(opened, photo):
    system, one, other = opened
    if one is other:
        pytest.skip('is about two engines')
    weights = [one.style_weights(name, .9) for name in ('wave', 'udnie', 'identity')]
    if system == 'resnet_any':  # a row behind the weights, as a picture as a style has it
        weights[0] = np.concatenate([[.2, 0, .1], .1 + .2 * np.random.RandomState(0).randn(row_size(4))])
    regions = Regions(weights, Masks([halves(photo), some()]))
    assert np.abs(other.stylize(photo, regions) - one.stylize(photo, regions)).max() < 1


def test_several_pictures_at_once_and_a_mask_of_one_pixel(stylizer, photo):
    weights = stylizer.style_weights('wave')
    regions = Regions([weights, weights], Masks([np.uint8([[77]])]))
    pair = np.stack([photo[:60, :64], photo[60:120, 60:124]])
    assert np.abs(stylizer.stylize(pair, regions) - stylizer.stylize(pair, weights)).max() < 1


def test_shares_sum_to_one_and_parts_are_those_of_the_whole():
    both = Masks([some(0), some(1)])
    shares = both.shares(120, 90)
    assert shares.shape == (120, 90, 3) and np.abs(shares.sum(2) - 1).max() < 1e-6 and shares.min() >= 0
    parts = [both.shares(120, 90, (start, start + 40)) for start in (0, 40, 80)]
    assert np.abs(np.concatenate(parts) - shares).max() < 0.01
    grey = Masks([np.full([3, 3], 51, np.uint8), np.full([3, 3], 102, np.uint8)])
    assert np.allclose(grey.shares(5, 4), [0.2, 0.4, 0.4])
    full = Masks([np.full([3, 3], 255, np.uint8)] * 2)
    assert np.allclose(full.shares(5, 4), [0.5, 0.5, 0])  # they overlap


def test_a_mask_is_its_lightness_and_nothing_where_it_is_transparent():
    pixels = np.uint8([[[255] * 3, [0] * 3, [128] * 3, [255] * 3]])
    assert of_pixels(pixels).tolist() == [[255, 0, 128, 255]]
    assert of_pixels(pixels, np.uint8([[255, 255, 255, 51]])).tolist() == [[255, 0, 128, 51]]


@pytest.fixture(scope='module')
def plain(random_model):
    with Stylizer(random_model) as plain:
        yield plain


@pytest.fixture
def mask_path(tmp_path):
    path = str(tmp_path / 'a mask.png')
    images.write(path, np.dstack([some()] * 3))
    return path


def weights_of(plain, *args, **options):
    regions, names = plain.asked(*args, **options)
    return np.round(regions.style_weights, 3).tolist(), names


def test_what_the_flags_ask_for(plain, mask_path):
    wave, udnie, photo = np.eye(3).tolist()
    assert weights_of(plain, 'udnie', mask=mask_path) == ([udnie, photo], ['udnie'])
    assert weights_of(plain, None, mask=[mask_path], elsewhere='udnie') == ([wave, udnie], ['wave', 'udnie'])
    two = ['%s:wave:0.5,udnie:0.5' % mask_path, mask_path + ':udnie']
    assert weights_of(plain, None, mask=two, elsewhere='1') == (
        [[.5, .5, 0], udnie, wave], ['wave', 'udnie'])
    pairs = [(some() > 100, 'udnie'), (Image.open(mask_path), 2)]
    assert weights_of(plain, None, 0.5, mask=pairs) == ([[0, .5, .5], [0, .5, .5], photo], ['udnie'])
    assert weights_of(plain, 'wave', mask=[mask_path, (mask_path, 'udnie')])[0] == [wave, udnie, photo]


@pytest.mark.parametrize('mask, options, line', [
    (np.zeros([3, 3]), {}, '--mask: |mask: float64'),
    ([some(), some()], {}, '--mask: 2 masks name no style, and one may; write mask:wave'),
    ([(some(), 'wave', 1)], {}, '--mask: a pair is a mask and a style, and this has 3 parts'),
    ([(some(), 'wave')] * 33, {}, '--mask: 33 are too many; at most 32'),
    (some(), {'elsewhere': 'monet'}, "--elsewhere monet: this network has no style 'monet'"),
    ([(some(), 'monet')], {}, "--mask monet: this network has no style 'monet'"),
    ([(some(), 'wave')], {'style': 'wave'}, '--style wave: each --mask names a style of its own'),
    (None, {'elsewhere': 'wave'}, '--elsewhere wave: is the style outside of a --mask')])
def test_what_does_not_go_together_is_one_line(plain, mask, options, line):
    with pytest.raises(UserError, match=line.split('|')[-1].replace('(', '.')) as error:
        plain.asked(options.get('style'), mask=mask, elsewhere=options.get('elsewhere'))
    assert '\n' not in str(error.value)


def test_restyle_takes_masks(plain, photo, mask_path):
    small = photo[:60, :64]
    found = np.asarray(plain.restyle(small, 'wave', mask=mask_path, elsewhere='wave')).astype(int)
    assert np.abs(found - np.asarray(plain.restyle(small, 'wave'))).max() <= 1
    mask = np.zeros([60, 64], bool)
    mask[:, 40:] = True
    kept = np.asarray(plain.restyle(small, 'wave', mask=mask)).astype(int)
    assert np.array_equal(kept[:, :40], small[:, :40]) and np.abs(kept[:, 40:] - small[:, 40:]).mean() > 5


def test_files_of_regions_are_masks_and_styles_however_they_are_weighed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ('m.png', 'n.png', 'a.jpg', 'b.jpg', 'photo.jpg'):
        (tmp_path / name).write_bytes(b'')
    assert regions.paths(['m.png:a.jpg:0.7', 'n.png:wave'], 'b.jpg:0.5') == [
        'm.png', 'n.png', 'a.jpg', 'b.jpg']
    assert regions.paths([('m.png', 'a.jpg')], None) == ['m.png', 'a.jpg']
    assert regions.paths(['m.png:wave:0.7,udnie:0.3'], 'identity') == ['m.png']
