"""--brush and --match_color, from the flag to the result: whole, in tiles, in batches and from Python."""

import os

import networks
import numpy as np
import pytest
import running

import resnet_in_tf
from resnet_in_tf.errors import UserError
from resnet_in_tf.network.layers import PALETTES, row_size
from resnet_in_tf.pictures import brush, color, finishing, images, palette
from resnet_in_tf.restyling import batch, matching, pipeline
from resnet_in_tf.restyling.stylizer import Stylizer


@pytest.fixture(scope='module')
def network(tmp_path_factory):
    """A small network with palettes."""
    path = networks.write_random(tmp_path_factory.mktemp('any') / 'any.pb', 'resnet_any')
    with Stylizer(path) as network:
        yield network


@pytest.fixture(scope='module')
def large(face):
    return face[100:441, 200:513]  # [341, 313, 3]


def smaller(network, monkeypatch, pixels=256 ** 2):
    """Makes memory so short that larger runs go in tiles; a list that grows with each."""
    tiled, fixed = [], network.engine.tiles
    monkeypatch.setattr(pipeline, 'pixels_in', lambda size, width, engine: pixels)
    monkeypatch.setattr(pipeline.row_files, 'pixels_in', lambda size, width, engine: pixels)
    monkeypatch.setattr(network, 'engine', network.engine._replace(tiles=lambda: tiled.append(1) or fixed()))
    return tiled


@pytest.mark.parametrize('size', ['1.3', 'fixed:200', 0.5])
def test_a_result_is_what_its_parts_make(network, photo, size):
    strokes, weights = brush.parse(size), network.style_weights('udnie', .8)
    painted = network.stylize(finishing.before(photo, strokes), weights)
    assert painted.shape[:2] == brush.working_size(strokes, *photo.shape[1::-1])[::-1] != photo.shape[:2]
    result = np.asarray(network.restyle(photo, 'udnie', .8, brush=size))
    assert np.array_equal(result, finishing.after(photo, painted, finishing.Finish(brush=strokes)))
    assert result.shape == photo.shape and not np.array_equal(result, network.restyle(photo, 'udnie', .8))


def test_strokes_of_one_are_as_they_were(network, photo):
    plain = np.asarray(network.restyle(photo))
    assert np.array_equal(network.restyle(photo, brush=1), plain)
    wide = np.concatenate([photo, photo], axis=1)
    assert np.array_equal(network.restyle(wide, brush='fixed:%d' % wide.shape[1]), network.restyle(wide))


@pytest.mark.parametrize('looks', [
    {'brush': .7}, {'brush': 'fixed:400', 'preserve_color': True}, {'brush': .8, 'match_color': 'photo'},
    {'match_color': 'painting:0.5'}, {'match_color': 'photo:2'}], ids=str)
def test_tiles_equal_the_untiled_result(network, tmp_path, large, looks, monkeypatch):
    path = str(tmp_path / 'a.png')
    images.write(path, np.ascontiguousarray(large))
    whole = np.asarray(network.restyle(large, **looks)).astype(int)
    tiled = smaller(network, monkeypatch)
    transparent = np.dstack([large, large[..., :1] | 1])
    for given in (path, transparent):
        result = np.asarray(network.restyle(given, exact=True, **looks)).astype(int)
        off = np.abs(result[..., :3] - whole)
        assert off.mean() < .2 and np.percentile(off, 99.9) <= 3
    assert len(tiled) == 2 and np.array_equal(result[..., 3], transparent[..., 3])


def test_broad_strokes_on_a_large_photo_need_no_tiles(network, large, monkeypatch):
    whole = np.asarray(network.restyle(large, brush=2))
    tiled = smaller(network, monkeypatch)
    assert np.array_equal(network.restyle(large, brush=2), whole) and not tiled


def test_a_photo_that_memory_cannot_hold_whole_runs_in_tiles_however_small_it_is_painted(network, large):
    ended = []
    line = pipeline.Pipeline(network, pipeline.Options(network.style_weights('1'), False, 95, False,
                                                       brush.Brush(None, 64)),
                             2 ** 40, lambda job, error: ended.append(error), None)
    job = batch.Job('a.png', 'b.png')
    line.ends = type('Ends', (), {'size': staticmethod(lambda job: large.shape[1::-1])})
    assert line.measure(job) == large.shape[0] * large.shape[1]
    line.free = pipeline.memory.SLACK + 10 * large.shape[0] * large.shape[1]
    assert line.measure(job) == 0 and not ended


def test_a_folder_is_done_in_batches(network, tmp_path, face):
    sizes = [(60, 50)] * 5 + [(80, 64)] * 2
    for number, (width, height) in enumerate(sizes):
        images.write(str(tmp_path / ('%d.png' % number)), face[number:number + height, :width].copy())
    shapes, run = [], network.run
    network.run = lambda batch, weights: shapes.append(batch.shape) or run(batch, weights)
    try:
        jobs = batch.plan(str(tmp_path), str(tmp_path / 'out')).jobs
        weights = network.style_weights('1')
        summary = batch.stylize_files(network, jobs, weights, brush=brush.Brush(2.0, None),
                                      match=finishing.Match(None, .5))
    finally:
        network.run = run
    assert len(summary.done) == 7 and not summary.failed
    assert sorted(shapes) == [(1, 25, 30, 3), (2, 32, 40, 3), (4, 25, 30, 3)]
    for job in jobs:
        made = network.restyle(job.source, 1, brush=2, match_color='photo:0.5')
        assert np.abs(images.read(job.target).astype(int) - np.asarray(made)).max() <= 2


def test_the_command_makes_the_same(network, tmp_path, photo):
    path, out = str(tmp_path / 'a.png'), str(tmp_path / 'b.png')
    images.write(path, photo)
    result = running.script('stylize.py', '--model', network.model, '--input', path, '--output', out,
                            '--style=2', '--brush=1.5', '--match_color=painting:0.7')
    assert result.returncode == 0, result.stderr
    made = network.restyle(photo, 2, brush=1.5, match_color='painting:.7')
    assert np.array_equal(images.read(out), made)
    for flags, words in ((['--brush=3'], '--brush 3: is a number from 0.5'),
                         (['--match_color=blue'], '--match_color blue: is photo or painting'),
                         (['--match_color=photo', '--preserve_color'], 'does not go with --preserve_color'),
                         (['--match_color=painting', '--strength=0'], 'at strength 0 there is no painting')):
        result = running.script('stylize.py', '--model', network.model, '--input', path, '--output', out,
                                '--overwrite', *flags)
        assert result.returncode == 2 and words in result.stderr and result.stderr.count('\n') == 1
    assert os.path.exists(out)


def test_a_painting_s_colours_come_from_the_networks_palette(network):
    table = matching.palettes(network.engine)
    assert table.shape == (3, 9)
    random = np.random.RandomState(0)
    pixels = 127.5 * (1 + random.randn(90, 100, 3) * [.1, .2, .15] + [.2, -.1, 0])
    found = matching.colors_of_palette(palette.palette_of_picture(pixels))
    expected = color.colors_of([pixels])
    np.testing.assert_allclose(found.mean, expected.mean, atol=.003)
    np.testing.assert_allclose(found.covariance, expected.covariance,
                               atol=.02 * np.trace(expected.covariance))


def test_a_mix_has_the_palette_that_the_network_mixes(network, monkeypatch):
    given = []
    monkeypatch.setattr(matching, 'colors_of_palette', given.append)
    table = matching.palettes(network.engine)
    matching.colors_of_styles(network.engine, network.style_weights('wave:3,udnie:1', .5))
    np.testing.assert_allclose(given.pop(), .75 * table[0] + .25 * table[1], rtol=1e-5)
    row = np.arange(row_size(4))
    matching.colors_of_styles(network.engine, np.concatenate([[.25, 0, .5], .25 * row]).astype(np.float32))
    np.testing.assert_allclose(given.pop(), .5 * table[0] + .5 * row[-9:], rtol=1e-5)
    assert PALETTES.endswith('table')


def test_the_result_takes_on_the_colours_that_are_asked_for(network, face):
    photo = face[300:400, 300:420]

    def far(result, wanted):
        return np.abs(color.colors_of([np.asarray(result)]).mean - wanted.mean).max()
    own = color.colors_of([photo])
    painting = matching.colors_of_styles(network.engine, network.style_weights('1'))
    plain = network.restyle(photo, 1, .5)
    whole, half = (network.restyle(photo, 1, .5, match_color=text) for text in ('photo', 'photo:0.5'))
    assert far(whole, own) < far(half, own) < far(plain, own)
    assert far(network.restyle(photo, 1, .5, match_color='painting'), painting) < far(plain, painting)


def test_where_there_is_no_palette_one_line_says_so(random_model, photo):
    with Stylizer(random_model) as network:
        network.restyle(photo, match_color='photo')
        with pytest.raises(UserError, match='trained without palettes, .*; photo works with every network$'):
            network.restyle(photo, match_color='painting')
    engine = network_without_graph('onnxruntime')
    with pytest.raises(UserError, match='an .onnx tells no palettes, the .pb does'):
        matching.read('painting', engine, [1, 0])
    with pytest.raises(UserError, match='naas has no network'):
        matching.read('painting', network_without_graph('naas'), None)


def network_without_graph(name):
    return type('Engine', (), {'name': name, 'graph_def': None})


def test_mistakes_from_python_are_one_line(network, photo):
    for options, words in (({'brush': 'big'}, '--brush big: is a number'),
                           ({'match_color': 'sky'}, '--match_color sky: is photo or painting'),
                           ({'match_color': 'photo', 'preserve_color': True}, 'with --preserve_color')):
        with pytest.raises(UserError) as caught:
            network.restyle(photo, **options)
        assert words in str(caught.value) and '\n' not in str(caught.value)
    with pytest.raises(UserError, match='--brush 9'):
        resnet_in_tf.restyle(photo, model=network.model, brush=9)
