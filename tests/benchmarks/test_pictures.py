"""Benchmarks of pictures in files: right on known input, and they run to their end."""

import math

import networks
import numpy as np
import pytest
import running

from resnet_in_tf.benchmarks import batches, large_pictures, scaling
from resnet_in_tf.evaluation import tables
from resnet_in_tf.pictures import images
from resnet_in_tf.tiles.grid import Grid


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return networks.write_random(tmp_path_factory.mktemp('network') / 'net.pb')


def test_a_seam_shows_as_a_ratio_above_one_and_none_as_one(tmp_path):
    rows, columns = np.mgrid[:200, :240]
    picture = np.dstack([rows + columns % 5, (3 * columns + 2 * rows) % 7, rows // 2])
    grid, path = Grid(200, 240, 100, 80, 60), str(tmp_path / 'picture.png')
    images.write(path, np.dstack([rows + columns // 2] * 3).astype(np.uint8) // 2)
    smooth = large_pictures.seam(path, grid)
    stepped = picture // 2 + 10
    stepped[100:] += 6
    stepped[:, 80:160] += 6
    images.write(path, stepped)
    assert smooth == pytest.approx(1, abs=0.01) and large_pictures.seam(path, grid) > 2


def test_a_pattern_of_the_networks_own_grid_is_no_seam(tmp_path):
    columns = np.mgrid[:200, :240][1]
    path = str(tmp_path / 'picture.png')
    images.write(path, np.dstack([columns % 4 * 20] * 3).astype(np.uint8))
    assert large_pictures.seam(path, Grid(200, 240, 200, 80, 60)) == pytest.approx(1)


def test_seams_of_a_padded_picture_are_looked_for_where_they_are(tmp_path):
    path, picture = str(tmp_path / 'picture.png'), np.full([197, 238, 3], 100, np.uint8)
    picture[:, ::2] = 101
    picture[:, 79:] += 20  # the network sees the picture one column further right
    images.write(path, picture)
    assert large_pictures.seam(path, Grid(200, 240, 200, 80, 60)) > 5


def test_one_tile_has_no_seam(tmp_path):
    images.write(str(tmp_path / 'a.png'), np.zeros([20, 20, 3], np.uint8))
    assert large_pictures.seam(str(tmp_path / 'a.png'), Grid(20, 20, 20, 20, 60)) is None


def test_differences_are_those_of_closed_form(tmp_path):
    one, two = str(tmp_path / 'a.png'), str(tmp_path / 'b.png')
    pixels = np.full([10, 10, 3], 100, np.uint8)
    images.write(one, pixels)
    pixels[:5] += 10
    images.write(two, pixels)
    found = large_pictures.difference(one, two)
    assert found['mean difference'] == 5 and found['greatest difference'] == 10
    assert found['PSNR dB'] == pytest.approx(10 * math.log10(255 ** 2 / 50))


def test_a_mosaic_of_photos_has_the_size_asked_for(photo_folder):
    paths = images.list_pictures(photo_folder)
    for aspect, shape in ((4 / 3, (613, 816, 3)), (10, (224, 2236, 3)), (0.1, (2232, 224, 3))):
        picture = large_pictures.mosaic(paths, 0.5, aspect)
        assert picture.shape == shape and len(np.unique(picture)) > 200


def test_ratios_of_a_batch_are_of_the_sums():
    rows = [batches.row(str(number), {'network': (number, 2 * number),
                                              'files': (number + 1, 2 * number + 1)})
            for number in (1, 3)]
    everything = batches.total(rows)
    assert everything['ratio'] == pytest.approx(6 / 4)
    assert everything['CPU ratio'] == pytest.approx(10 / 8)


def test_the_fitted_line_is_as_far_from_both_ends():
    assert scaling.through_zero(np.array([1.0, 1.1, 1.2])) == pytest.approx(1.1)


def run_all(tmp_path, photos, commands):
    """Runs commands of benchmark.py at small size: dict from each to the rows of its table."""
    output = {name: str(tmp_path / (name + '.csv')) for name in commands}
    for result in running.many([
            ['benchmark.py', name] + flags + ['--photos', photos, '--rounds', 1,
                                              '--output', output[name]]
            for name, flags in commands.items()]):
        assert result.returncode == 0 and '|' in result.stdout, result.stderr
    return {name: tables.read_csv(path) for name, path in output.items()}


@pytest.mark.slow
def test_large_and_startup_run_in_processes_of_their_own(tmp_path, model, photo_folder):
    found = run_all(tmp_path, photo_folder, {
        'large': ['--model', model, '--megapixels', '0.1', '--whole_up_to', 1, '--exact_up_to', 0],
        'startup': ['--model', model]})
    assert [row['mode'] for row in found['large']] == ['untiled', 'thumbnail']
    assert all(0.1 < float(row['peak GB']) < 2 for row in found['large'])
    assert found['large'][1]['greatest difference'] == '0'  # small enough for one pass
    assert len(found['startup']) == 10
    assert all(float(row['seconds']) > 0 for row in found['startup'])


def test_batch_and_scaling_write_tables_and_a_plot(tmp_path, model, photo_folder):
    plot = str(tmp_path / 'scaling.png')
    found = run_all(tmp_path, photo_folder, {
        'batch': ['--model', model, '--count', 5],
        'scaling': ['--megapixels', '0.01,0.02', '--styles', '1,2', '--plot', plot]})
    assert [row['pictures'] for row in found['batch']] == ['1 to 5', 'all']
    assert len(found['scaling']) == 4 and images.check(plot)[0] > 500


def test_flags_that_make_no_sense_are_one_line(photo_folder):
    missing, no_number = running.many([
        ['benchmark.py', 'large', '--photos', photo_folder],
        ['benchmark.py', 'scaling', '--photos', photo_folder, '--megapixels', 'x']])
    assert missing.stderr == 'error: --model is missing, see --help\n'
    assert no_number.stderr == 'error: --megapixels x: numbers above 0 and below a million, with commas\n'
