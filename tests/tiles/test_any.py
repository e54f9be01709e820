"""Tiles of a network that takes any picture as a style: its palette is fixed as its norms are."""

import networks
import numpy as np
import pytest

from resnet_in_tf.network import frozen
from resnet_in_tf.network.layers import row_size
from resnet_in_tf.pictures.palette import palette_of_picture
from resnet_in_tf.tiles import exact, large, rows
from resnet_in_tf.tiles.network import PLAIN, FixedNetwork

MIX = np.array([.5, .3, .2], np.float32)  # the photo shines through, and lends its palette
ROW = .1 + .2 * np.random.RandomState(0).randn(row_size(4))
WITH_ROW = np.concatenate([[.3, 0, .2], ROW]).astype(np.float32)


@pytest.fixture(scope='module')
def network(tmp_path_factory):
    path = networks.write_random(tmp_path_factory.mktemp('tiling') / 'any.pb', 'resnet_any', width=4)
    network = FixedNetwork(frozen.read_graph(path)[0])
    yield network
    network.close()


@pytest.fixture(scope='module')
def photo(face):
    return face[200:501, 300:642]  # [301, 342, 3], sides that need padding to the grid


class Collected:
    """A sink that keeps what it is given."""

    def __init__(self):
        self.parts = []

    def write(self, pixels, alpha):
        self.parts.append(pixels.copy())


def untiled(network, photo, style):
    return network.session.run(PLAIN + '/stylized:0', network.inputs(PLAIN, photo, style))[0]


def tiled(network, photo, style, **options):
    sink = Collected()
    large.stylize_rows(network, rows.MemorySource(photo), sink, style, large.SMALLEST_TILE ** 2, **options)
    return np.concatenate(sink.parts)


@pytest.mark.parametrize('style', [MIX, WITH_ROW], ids=['named', 'row'])
def test_with_a_pictures_own_statistics_fixed_nothing_changes(network, photo, style):
    affines = network.statistics_of(photo, style)
    assert len(affines) == 16 and network.has_palette
    assert np.abs(network.stylize(photo, style, affines) - untiled(network, photo, style)).max() < 0.05


@pytest.mark.parametrize('style', [MIX, WITH_ROW], ids=['named', 'row'])
def test_exact_tiles_equal_the_untiled_picture(network, photo, style):
    counts = []
    result = tiled(network, photo, style, exact=True, on_tile=lambda *count: counts.append(count))
    assert np.abs(result - np.clip(untiled(network, photo, style), 0, 255)).max() < 1
    assert counts[-1] == (len(counts), len(counts))


def test_thumbnail_tiles_come_near_the_untiled_picture(network, photo):
    difference = tiled(network, photo, MIX) - untiled(network, photo, MIX)
    assert 10 * np.log10(255 ** 2 / np.mean(difference ** 2)) > 20


def test_pure_identity_gives_the_photo_back(network, photo):
    assert np.array_equal(tiled(network, photo, np.float32([0, 0, 1])), photo)


def test_colours_in_parts_have_the_palette_of_the_whole(face):
    colors = exact.Colors()
    for start in range(0, 300, 70):
        colors.add(face[start:min(start + 70, 300), :200].astype(np.float32) / 127.5 - 1)
    assert colors.palette() == pytest.approx(palette_of_picture(face[:300, :200]), abs=1e-4)
