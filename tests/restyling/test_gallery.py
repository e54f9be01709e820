"""The demo's pictures, and the script that makes them."""

import os

import networks
import numpy as np
import pytest
import running

from resnet_in_tf.pictures import images
from resnet_in_tf.restyling import gallery
from resnet_in_tf.restyling.stylizer import Stylizer


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return networks.write_random(tmp_path_factory.mktemp('gallery') / 'network.pb')


@pytest.fixture(scope='module')
def stylizer(model):
    return Stylizer(model)


def test_sheet_shows_the_photo_and_every_style(stylizer, face):
    photo = face[:40, :60]
    rows = {style: stylizer.style_weights(style) for style in stylizer.styles}
    sheet = gallery.contact_sheet(stylizer, photo, rows)  # three pictures: two columns, two rows
    assert sheet.shape == (2 * (40 + gallery.CAPTION) + gallery.GAP, 2 * 60 + gallery.GAP, 3)
    assert (sheet[:40, :60] == photo).all()
    wave = stylizer.stylize(photo, stylizer.style_weights('wave'))
    assert (sheet[:40, 60 + gallery.GAP:] == images.bytes_of(wave)).all()


def test_a_sheet_of_chosen_styles_shows_these_alone(stylizer, face):
    photo = face[:40, :60]
    sheet = gallery.contact_sheet(stylizer, photo, {'udnie': stylizer.style_weights('udnie')})
    assert sheet.shape == (40 + gallery.CAPTION, 2 * 60 + gallery.GAP, 3)
    udnie = stylizer.stylize(photo, stylizer.style_weights('udnie'))
    assert (sheet[:40, 60 + gallery.GAP:] == images.bytes_of(udnie)).all()


def test_strip_runs_from_the_photo_to_the_style(stylizer, face):
    photo = face[:40, :60]
    strip = gallery.strength_strip(stylizer, photo, 'udnie', count=3)
    assert (strip[:40, :60] == photo).all()
    udnie = stylizer.stylize(photo, stylizer.style_weights('udnie'))
    assert (strip[:40, -60:] == images.bytes_of(udnie)).all()


def test_blend_has_the_four_styles_at_its_corners(stylizer, face):
    photo = face[:20, :30]
    corners = ['wave', 'udnie', 'identity', 'wave']
    square = gallery.blend(stylizer, photo, corners, count=3)
    assert square.shape == (3 * 20 + 2 * 2, 3 * 30 + 2 * 2, 3)
    shown = (square[:20, :30], square[:20, -30:], square[-20:, :30], square[-20:, -30:])
    for corner, tile in zip(corners, shown):
        expected = stylizer.stylize(photo, stylizer.style_weights(corner))
        assert np.abs(tile.astype(int) - images.bytes_of(expected)).max() <= 1


def test_what_demo_cannot_do_is_one_line(model, tmp_path):
    (tmp_path / 'file').write_bytes(b'')
    results = running.many([
        ['demo.py', '--model', model, '--output', str(tmp_path / 'demo'), '--corners', 'wave,udnie'],
        ['demo.py', '--model', model, '--output', str(tmp_path / 'file')]])
    for result, says in zip(results, ('--corners wave,udnie: name four styles', 'cannot make the folder')):
        assert result.returncode == 2 and result.stdout == '' and result.stderr.count('\n') == 1
        assert says in result.stderr
    assert (tmp_path / 'file').read_bytes() == b'' and not (tmp_path / 'demo').exists()


def test_demo_says_where_its_pictures_are(model, tmp_path):
    result = running.script('demo.py', '--model', model, '--output', str(tmp_path / 'demo'),
                            '--width', '48', '--chosen', 'udnie')
    assert result.returncode == 0, result.stderr
    shown = [line[len('Look at '):] for line in result.stdout.splitlines()]
    assert [os.path.basename(path) for path in shown] == ['styles.jpg', 'strength.jpg', 'chosen.jpg']
    assert all(images.read(path).size for path in shown)
