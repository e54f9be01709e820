"""Tiles of a picture with regions: each has its part of the masks, all have the statistics of the whole."""

import networks
import numpy as np
import pytest

from resnet_in_tf.network import frozen, style_maps
from resnet_in_tf.network.layers import row_size
from resnet_in_tf.network.regions import Regions
from resnet_in_tf.pictures.masks import Masks
from resnet_in_tf.restyling import engines
from resnet_in_tf.tiles import large, rows
from resnet_in_tf.tiles.network import PLAIN, FixedNetwork

WAVE, UDNIE, MIX = np.eye(3, dtype=np.float32)[0], np.eye(3, dtype=np.float32)[1], np.float32([.5, .3, .2])
MASK = np.random.RandomState(0).randint(0, 256, [9, 7]).astype(np.uint8)
ROW = .1 + .2 * np.random.RandomState(0).randn(row_size(4))


@pytest.fixture(scope='module', params=['resnet_any', 'resnet_in'])
def model(request, tmp_path_factory):
    return networks.write_random(tmp_path_factory.mktemp('tiling') / 'styles.pb', request.param, width=4)


@pytest.fixture(scope='module')
def graph_def(model):
    return frozen.read_graph(model)[0]


@pytest.fixture(scope='module')
def network(graph_def):
    network = FixedNetwork(style_maps.with_regions(graph_def))
    yield network
    network.close()


@pytest.fixture(scope='module')
def photo(face):
    return face[200:501, 300:642]  # [301, 342, 3], sides that need padding to the grid


def tiled(network, photo, style, **options):
    sink = rows.MemorySink(photo.shape[0], photo.shape[1], False)
    tile = large.SMALLEST_TILE ** 2
    grid = large.stylize_rows(network, rows.MemorySource(photo), sink, style, tile, **options)
    assert grid.tile_width < 300
    return sink.pixels.astype(int)


def test_exact_tiles_equal_the_untiled_picture(network, photo):
    regions = Regions([WAVE, MIX], Masks([MASK]))
    fed = regions.fed(rows.reduced_copy(rows.MemorySource(photo), 160 ** 2), regions.masks.shares(301, 342))
    whole = network.session.run(PLAIN + '/stylized:0', network.inputs(PLAIN, photo, fed))[0]
    assert np.abs(tiled(network, photo, regions, exact=True) - whole).max() < 1.5
    assert np.abs(tiled(network, photo, regions) - whole).mean() < 8  # statistics of a reduced copy


@pytest.mark.parametrize('exact', [False, True])
def test_equal_styles_are_as_without_masks(graph_def, network, photo, exact):
    plain = FixedNetwork(graph_def)
    found = tiled(network, photo, Regions([MIX, MIX, MIX], Masks([MASK, MASK.T])), exact=exact)
    assert np.abs(found - tiled(plain, photo, MIX, exact=exact)).max() <= 1
    plain.close()


def test_tiles_of_both_engines_are_the_same(model, graph_def, network, photo, tmp_path, monkeypatch):
    pytest.importorskip('onnxruntime')
    monkeypatch.setenv('RESNET_IN_TF_CACHE', str(tmp_path))
    other = engines.start('onnxruntime', model).by_region.tiles()
    style = Regions([np.concatenate([[.2, 0, .1], ROW]) if network.has_palette else WAVE, MIX], Masks([MASK]))
    source = rows.MemorySource(photo)
    wanted, found = [large.measure(each, source, style, 200 ** 2) for each in (network, other)]
    assert [len(each) for each in found] == [len(each) for each in wanted]
    for one, two in zip(wanted, found):
        assert np.concatenate(two) == pytest.approx(np.concatenate(one), abs=1e-3)
    one, two = [tiled(each, photo, style, exact=True) for each in (network, other)]
    assert np.abs(one - two).max() <= 1
    other.close()
