"""Figures are pictures that show what they were given, and none stays in memory."""

import numpy as np
import pytest

from resnet_in_tf.pictures import images

pytest.importorskip('matplotlib')

from resnet_in_tf.evaluation.report import figures  # noqa: E402


def has_colour(path, colour):
    wanted = [int(colour[start:start + 2], 16) for start in (1, 3, 5)]
    return (np.abs(images.read(str(path)).astype(int) - wanted).max(2) <= 2).sum()


def test_bars_have_the_height_of_their_values_and_a_system_its_colour(tmp_path):
    columns = ['accuracy', 'recall']
    figures.bars(str(tmp_path), 'low', {'cnn': [0.2, None], 'fnst': [0.5, 0.5]}, {}, columns)
    figures.bars(str(tmp_path), 'high', {'cnn': [0.8, float('nan')], 'fnst': [0.5, 0.5]}, {}, columns)
    low, high = [has_colour(tmp_path / (name + '.png'), figures.COLOURS['cnn']) for name in ('low', 'high')]
    assert 3 < high / low < 5 and has_colour(tmp_path / 'low.png', figures.COLOURS['fnst']) > low


def test_the_papers_figures_have_a_panel_of_their_own(tmp_path):
    for name, paper in (('one', {}), ('two', {'cnn': [0.5]})):
        figures.bars(str(tmp_path), name, {'cnn': [0.5]}, paper, ['MIoU'], ceiling=[0.9], floor=[0.1])
    one, two = [images.check(str(tmp_path / (name + '.png')))[0] for name in ('one', 'two')]
    assert two > 1.6 * one


def test_curves_and_points_without_an_interval_are_drawn(tmp_path):
    figures.curves(str(tmp_path), 'curves', {'a': ([1, 2], [3.0, 1.0], figures.COLOURS['cnn'])},
                   {'a': ([1, 2], [0.1, 0.9], None)}, 'step')
    assert has_colour(tmp_path / 'curves.png', figures.COLOURS['cnn']) > 20
    figures.satisfaction(str(tmp_path), 'fig9', [
        {'system': 'cnn', 'style': 'wave', 'question': 'fluency', 'mean': 7.0, 'low': None, 'high': None},
        {'system': 'cnn', 'style': 'udnie', 'question': 'fluency', 'mean': 5.0, 'low': 4.0, 'high': 6.0}])
    assert images.check(str(tmp_path / 'fig9.png'))[0] > 200
    assert figures.pyplot().get_fignums() == []


def test_a_grid_shows_every_picture_in_its_place(tmp_path):
    colours = [[(250, 0, 0), (0, 250, 0)], [(0, 0, 250), (250, 250, 0)]]
    rows = [[np.full([30, 40, 3], colour, np.uint8) for colour in line] for line in colours]
    figures.grid(str(tmp_path / 'grid.png'), rows, ['photo', 'CNN'], cell=80)
    picture = images.read(str(tmp_path / 'grid.png'))
    places = [[np.argwhere((picture == colour).all(2)).mean(0) for colour in line] for line in colours]
    assert places[0][0][1] < places[0][1][1] and places[0][0][0] < places[1][0][0]
    assert all((picture == colour).all(2).sum() > 80 * 60 / 2 for line in colours for colour in line)
