"""A style for each region without TensorFlow: from a .onnx alone, in one pass, in tiles and by flags."""

import numpy as np
import onnx_networks
import pytest
import running

from resnet_in_tf.errors import UserError
from resnet_in_tf.network import onnx_format
from resnet_in_tf.network.regions import Regions
from resnet_in_tf.pictures import images
from resnet_in_tf.pictures.masks import Masks
from resnet_in_tf.restyling.stylizer import Stylizer
from resnet_in_tf.tiles import large, rows

pytest.importorskip('onnxruntime')
MASK = np.random.RandomState(0).randint(0, 256, [9, 7]).astype(np.uint8)
WAVE, UDNIE, PHOTO = np.eye(3, dtype=np.float32)
MIX = np.float32([.5, .3, .2])  # the photo shines through, and lends its palette


@pytest.fixture(scope='module', params=[True, False], ids=['with a palette', 'without'])
def stylizer(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp('regions')
    path = onnx_networks.write(folder / 'net.onnx', request.param, half=request.param)
    with Stylizer(path) as stylizer:
        yield stylizer


@pytest.fixture(scope='module')
def photo(face):
    return face[200:501, 300:642]  # [301, 342, 3], sides that need padding to the grid


def styles_of(stylizer):
    """Two styles, where the network takes rows one with a row behind its weights."""
    if stylizer.style_images is None:
        return [WAVE, MIX]
    row = .1 * np.random.RandomState(0).randn(onnx_networks.row_size(onnx_networks.WIDTH))
    return [np.concatenate([[.3, 0, .2], row]).astype(np.float32), MIX]


def test_equal_styles_are_as_without_masks(stylizer, photo):
    for style, pixels in zip(styles_of(stylizer) + [PHOTO, MIX], (photo, photo, photo, photo[:1, :3])):
        found = stylizer.stylize(pixels, Regions([style] * 3, Masks([MASK, MASK.T])))
        assert abs(found - stylizer.stylize(pixels, style)).max() < 1


def test_each_half_is_in_its_own_style(stylizer, photo):
    mask = np.zeros(photo.shape[:2], np.uint8)
    mask[:, 171:] = 255
    found = stylizer.stylize(photo, Regions([UDNIE, WAVE], Masks([mask])))
    for style, other, side in ((WAVE, UDNIE, np.s_[:, :100]), (UDNIE, WAVE, np.s_[:, -100:])):
        own, not_own = [abs(found - stylizer.stylize(photo, each))[side].mean() for each in (style, other)]
        assert own < .3 * not_own


def test_restyle_takes_masks(stylizer, photo):
    small, mask = photo[:60, :64], np.zeros([60, 64], bool)
    mask[:, 40:] = True
    painted = np.asarray(stylizer.restyle(small, 'wave', mask=mask)).astype(int)
    assert np.array_equal(painted[:, :40], small[:, :40]) and abs(painted - small)[:, 40:].mean() > 5
    mixed = np.asarray(stylizer.restyle(small, mask=[(mask, 'udnie'), (mask.T, 'wave')], elsewhere='wave'))
    assert abs(mixed - painted).max() > 5


def test_exact_tiles_equal_the_untiled_picture(stylizer, photo):
    style, network = Regions(styles_of(stylizer), Masks([MASK])), stylizer.engine.by_region.tiles()
    found = []
    for exact in (True, False):
        sink = rows.MemorySink(301, 342, False)
        large.stylize_rows(network, rows.MemorySource(photo), sink, style, large.SMALLEST_TILE ** 2, exact)
        found.append(sink.pixels.astype(float))
    network.close()
    whole = np.clip(stylizer.stylize(photo, style), 0, 255)
    assert abs(found[0] - whole).max() < 1
    assert abs(found[1] - whole).mean() < 8  # statistics of a reduced copy


def test_a_pictures_row_may_be_left_out_of_what_is_fed(stylizer, photo):
    nothing = np.zeros(onnx_networks.row_size(onnx_networks.WIDTH), np.float32)
    without, zeros = [stylizer.stylize(photo[:40, :48], Regions(styles, Masks([MASK]))) for styles in (
        [WAVE, MIX], [np.concatenate([each, nothing]) for each in (WAVE, MIX)])]
    assert abs(without - zeros).max() < .001


def test_masks_by_flags(tmp_path, photo, paintings):
    model = onnx_networks.write(tmp_path / 'any.onnx', half=True)
    images.write(str(tmp_path / 'photo.png'), photo)
    mask = np.zeros([301, 342, 3], np.uint8)
    mask[:, 171:] = 255
    images.write(str(tmp_path / 'mask.png'), mask)
    results = [running.script('stylize.py', '--model=' + model, '--input=%s' % (tmp_path / 'photo.png'),
                              '--output=%s' % (tmp_path / name), '--mask=%s' % (tmp_path / 'mask.png'), *more,
                              light=True)
               for name, more in (('a.png', ['--style=udnie']), ('b.png', ['--style_image=' + paintings[0],
                                                                         '--elsewhere=udnie']))]
    assert [result.returncode for result in results] == [0, 0], results
    one, other = [images.read(str(tmp_path / name)).astype(int) for name in ('a.png', 'b.png')]
    assert np.array_equal(one[:, :171], photo[:, :171]) and abs(one - photo)[:, 171:].mean() > 5
    assert abs(other - one).mean() > 5


def without_names(model):
    """A network whose norms have other names: none that onnx_generator writes."""
    def renamed(names):
        return [name.replace('/shifted', '/given') for name in names]
    return [onnx_format.renamed(node, renamed(node.inputs), renamed(node.outputs)) for node in model.nodes]


def with_a_step_between(model):
    """One that has the names, but not the steps."""
    nodes = []
    for node in model.nodes:
        if node.op == 'Clip' and node.inputs[0].startswith('slice'):
            nodes.append(onnx_format.node('Identity', node.inputs[:1], ['between']))
            node = onnx_format.renamed(node, ['between'] + node.inputs[1:], node.outputs)
        nodes.append(node)
    return nodes


@pytest.mark.parametrize('changed', [without_names, with_a_step_between])
def test_a_network_of_another_form_says_so_in_one_line(tmp_path, photo, changed):
    path = onnx_networks.write(tmp_path / 'net.onnx', False)
    with open(path, 'rb') as file:
        model = onnx_format.read(file.read())
    with open(path, 'wb') as file:
        file.write(onnx_format.write(model._replace(nodes=changed(model))))
    with Stylizer(path) as stylizer:
        assert stylizer.restyle(photo[:20, :24], 'wave').size == (24, 20)
        with pytest.raises(UserError, match='net.onnx paints one style all over') as error:
            stylizer.restyle(photo[:20, :24], 'wave', mask=MASK)
    assert '\n' not in str(error.value)
