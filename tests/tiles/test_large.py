"""Tiles: with statistics fixed they agree with the whole picture, in bounded pieces."""

import networks
import numpy as np
import pytest

from resnet_in_tf.errors import UserError
from resnet_in_tf.network import frozen
from resnet_in_tf.pictures.color import preserve_color
from resnet_in_tf.tiles import exact, large, rows
from resnet_in_tf.tiles import grid as grids
from resnet_in_tf.tiles.network import FIXED, PLAIN, FixedNetwork

MIX = np.array([.5, .3, .2], np.float32)  # the photo shines through
SMALL_TILE = large.SMALLEST_TILE ** 2


class Collected:
    """A sink that keeps what it is given."""

    def __init__(self):
        self.pixels, self.alpha = [], []

    def write(self, pixels, alpha):
        self.pixels.append(pixels.copy())
        self.alpha.append(alpha)

    def picture(self):
        return np.concatenate(self.pixels)


def load(folder, system='resnet_in'):
    path = networks.write_random(folder / (system + '.pb'), system, width=4)
    return FixedNetwork(frozen.read_graph(path)[0])


@pytest.fixture(scope='module')
def network(tmp_path_factory):
    network = load(tmp_path_factory.mktemp('tiling'))
    yield network
    network.close()


@pytest.fixture(scope='module')
def photo(face):
    return face[200:501, 300:642]  # [301, 342, 3], sides that need padding to the grid


@pytest.fixture(scope='module')
def untiled(network, photo):
    return whole(network, photo)


def whole(network, photo):
    return network.session.run(PLAIN + '/stylized:0', network.inputs(PLAIN, photo, MIX))[0]


def tiled(network, photo, **options):
    sink = Collected()
    large.stylize_rows(network, rows.MemorySource(photo), sink, MIX, SMALL_TILE, **options)
    return sink.picture()


def test_with_a_pictures_own_statistics_fixed_nothing_changes(network, photo, untiled):
    fixed = network.stylize(photo, MIX, network.statistics_of(photo, MIX))
    assert len(network.norms) == 15
    assert np.abs(fixed - untiled).max() < 0.01


def paint(network, picture, affines, grid):
    painted = np.zeros(picture.shape, np.float32)
    for core, tile in grids.tiles(grid):
        pixels = picture[tile.top:tile.bottom, tile.left:tile.right]
        stylized = network.stylize(pixels, MIX, affines)[grids.inside(core, tile)]
        painted[core.top:core.bottom, core.left:core.right] = stylized
    return painted


def test_tiles_with_fixed_statistics_agree_and_need_their_halo(network, face):
    picture = face[200:400, 300:520]
    affines = network.statistics_of(picture, MIX)
    together = network.stylize(picture, MIX, affines)
    differences = [np.abs(paint(network, picture, affines, grids.Grid(200, 220, 100, 72, halo))
                          - together).max() for halo in (grids.RECEPTIVE_FIELD, 32)]
    assert differences[0] < 0.01 < differences[1]


def test_no_output_pixel_sees_further_than_the_halo(network, face):
    picture = face[200:400, 300:500].copy()
    affines = network.statistics_of(picture, MIX)
    before = network.stylize(picture, MIX, affines)
    picture[100, 100] = 255 - picture[100, 100]
    changed = np.argwhere(np.abs(network.stylize(picture, MIX, affines) - before).max(-1) > 0)
    reach = np.abs(changed - 100).max()
    assert grids.RECEPTIVE_FIELD - 12 <= reach <= grids.RECEPTIVE_FIELD


def test_exact_tiles_equal_the_untiled_picture(network, photo, untiled):
    counts = []
    result = tiled(network, photo, exact=True, on_tile=lambda *count: counts.append(count))
    assert result.shape == photo.shape and result.dtype == np.uint8
    assert np.abs(result - untiled).max() < 0.51  # half a step is the rounding to 8 bits
    assert len(counts) >= 16 * 2 and counts[-1][0] == counts[-1][1]


def test_thumbnail_tiles_come_near_the_untiled_picture(network, photo, untiled):
    difference = tiled(network, photo) - untiled
    assert 10 * np.log10(255 ** 2 / np.mean(difference ** 2)) > 25


def test_the_photos_colours_are_kept_in_tiles_too(network, photo):

    plain, kept = [tiled(network, photo, keep_color=flag) for flag in (False, True)]
    assert np.abs(kept - preserve_color(photo, plain)).max() <= 0.5


def test_pure_identity_gives_the_photo_back(network, photo):
    sink = Collected()
    large.stylize_rows(network, rows.MemorySource(photo), sink, np.float32([0, 0, 1]), SMALL_TILE)
    assert np.array_equal(sink.picture(), photo)


def test_statistics_of_the_picture_other_than_norms_are_refused(tmp_path):
    with pytest.raises(UserError, match='cannot be run in tiles'):
        load(tmp_path, 'resnet_contrast')


@pytest.mark.parametrize('system', ['cnn', 'fnst'])
def test_networks_without_instance_norm_are_exact_in_tiles(tmp_path, photo, system):
    network = load(tmp_path, system)
    assert np.abs(tiled(network, photo[:200]) - whole(network, photo[:200])).max() < 0.51
    network.close()


def test_a_tile_too_small_to_hold_more_than_halo_is_an_error(network, photo):
    with pytest.raises(ValueError, match='a tile has at least'):
        large.stylize_rows(network, rows.MemorySource(photo), Collected(), MIX, SMALL_TILE - 1)


def test_what_is_no_number_is_refused_as_in_one_pass(network, photo, monkeypatch):
    monkeypatch.setattr(network, 'stylize', lambda pixels, *_: np.full(pixels.shape, np.nan, np.float32))
    with pytest.raises(UserError, match='NaN'):
        large.stylize_rows(network, rows.MemorySource(photo), Collected(), MIX, SMALL_TILE)


@pytest.mark.parametrize('height, width, most', [
    (2000, 3000, 10 ** 6), (10000, 10000, 600000), (16, 100000, 70000), (1000, 1000, 10 ** 6),
    (5000, 320, 256 ** 2)])
def test_a_grid_covers_every_pixel_once_with_tiles_within_the_limit(height, width, most):
    grid = grids.plan(height, width, most)
    area = 0
    for core, tile in grids.tiles(grid):
        assert core.top % 4 == core.left % 4 == tile.top % 4 == tile.left % 4 == 0
        assert (tile.bottom - tile.top) * (tile.right - tile.left) <= most
        for edge, limit, sign in ((0, 0, -1), (1, height, 1), (2, 0, -1), (3, width, 1)):
            assert tile[edge] == limit or sign * (tile[edge] - core[edge]) >= grids.RECEPTIVE_FIELD
        area += (core.bottom - core.top) * (core.right - core.left)
    assert area == height * width


def test_a_large_grid_wastes_less_than_a_third():
    grid = grids.plan(10000, 10000, 10 ** 6)
    assert grids.computed_pixels(grid) < 1.34 * 10 ** 8


@pytest.mark.parametrize('length', [1, 2, 3, 15, 16, 17, 18, 301])
def test_rows_are_padded_as_the_network_pads(length):
    import tensorflow.compat.v1 as tf

    from resnet_in_tf.network.generator import pad_to_grid
    picture = np.arange(length * 3, dtype=np.float32).reshape(1, length, 1, 3)
    with tf.Graph().as_default(), tf.Session() as session:
        padded, top, _ = session.run(pad_to_grid(tf.constant(picture)))
    index, before = grids.padded(length)
    assert before == top and np.array_equal(padded[0, :, 0], picture[0, index, 0])


def test_the_network_is_cut_at_its_norms_and_keeps_nothing_at_full_size(network):
    stages = exact.plan_stages(network)
    assert [stage.norm for stage in stages] == list(range(15)) + [None]
    kept = {name for stage in stages for name in stage.kept}
    assert kept == {name for stage in stages for name in stage.feeds}
    assert not any('down/conv1' in name or 'up/conv2' in name for name in kept)


def test_features_leave_no_file_even_when_a_stage_fails(network, photo, tmp_path, monkeypatch):
    monkeypatch.setattr(exact.scratch.tempfile, 'tempdir', str(tmp_path))
    seen = []

    def fail_at_20(done, total):
        seen.append(len(list(tmp_path.iterdir())))
        if done == 20:
            raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        tiled(network, photo, exact=True, on_tile=fail_at_20)
    assert max(seen) == 0 and not list(tmp_path.iterdir())


def test_a_disk_too_small_for_the_features_is_said_before_work_begins(network, photo, monkeypatch):
    usage = exact.shutil.disk_usage('/')
    monkeypatch.setattr(exact.shutil, 'disk_usage', lambda path: usage._replace(free=1000))
    with pytest.raises(UserError, match='--exact: .* set TMPDIR to a larger disk'):
        tiled(network, photo, exact=True, on_tile=lambda *count: pytest.fail('a tile ran'))


def test_a_disk_that_fills_up_is_an_error_and_not_a_crash(monkeypatch):
    def full(*unused):
        raise OSError(28, 'No space left on device')
    monkeypatch.setattr(exact.os, 'posix_fallocate', full)
    with pytest.raises(UserError, match='No space left on device'):
        exact.reserve(100)


def test_moments_in_parts_equal_those_of_the_whole():
    random = np.random.RandomState(0)
    values = (random.randn(60, 50, 3) * [1, 5, .01] + [0, 1000, 3]).astype(np.float32)
    moments = exact.Moments()
    for part in (values[:7], values[7:30], values[30:]):
        moments.add(part)
    gamma, beta = np.float32([1, 2, 3]), np.float32([0, 1, -1])
    affine = moments.affine(gamma, beta, 1e-5)
    flat = values.reshape(-1, 3).astype(np.float64)
    scale = gamma / np.sqrt(flat.var(0) + 1e-5)
    np.testing.assert_allclose(affine.scale, scale, rtol=1e-5)
    np.testing.assert_allclose(affine.shift, beta - flat.mean(0) * scale, rtol=1e-4)


def test_both_forms_lie_in_one_graph(network):
    names = {op.name for op in network.session.graph.get_operations()}
    assert {PLAIN + '/stylized', FIXED + '/stylized'} <= names
    assert not any(op.type == 'Mean' for op in network.session.graph.get_operations()
                   if op.name.startswith(FIXED))
