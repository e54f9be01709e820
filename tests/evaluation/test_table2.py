"""Table II on each runtime, on a network and a picture so small that it takes moments."""

import networks
import numpy as np
import pytest

from resnet_in_tf.errors import UserError
from resnet_in_tf.evaluation import paper_numbers, table2, tables
from resnet_in_tf.exports.web import browser
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling.stylizer import Stylizer


@pytest.fixture
def model(tmp_path):
    return networks.write_random(tmp_path / 'net.pb', 'resnet_any')


@pytest.fixture
def photo(face):
    return images.resize(face, 32, 32)


@pytest.mark.parametrize('runtime, engine', [
    ('tensorflow', 'TensorFlow'), ('tflite', "TFLite's interpreter of TensorFlow")])
def test_the_table_has_our_times_beside_the_papers(model, runtime, engine, photo, tmp_path):
    shown, path = [], tmp_path / 'times.csv'
    table = table2.measure(model, runtime, photo, 2, 1, str(path), shown.append)
    row, = table
    assert row['style'] == '1: wave' and row['average (paper)'] == paper_numbers.TIMES[0][1]
    assert row['2 (paper)'] == paper_numbers.TIMES[0][0][1]
    runs = [row['1 (measured)'], row['2 (measured)']]
    assert min(runs) > 0 and row['mean (measured)'] == pytest.approx(np.mean(runs))
    assert tables.markdown(table) in shown[0] and shown[0].startswith(engine) and '32 x 32 pixels' in shown[0]
    assert '%.2f s; the paper allows 3.5 s' % max(runs) in shown[1]
    assert [row['style'] for row in tables.read_csv(str(path))] == ['1: wave']


def test_what_is_timed_paints_the_style_that_is_asked_for(model, photo):
    stylizer = Stylizer(model, impl='reference')
    expected = stylizer.stylize(photo, stylizer.style_weights('udnie')).astype(int)
    stylizer.close()
    for runtime in ('tensorflow', 'tflite'):
        with table2.RUNTIMES[runtime](model, photo) as (styles, paint, _):
            assert styles == ['wave', 'udnie']
            assert abs(paint('udnie').astype(int) - expected).max() <= 1


def test_without_a_browser_one_line_says_what_it_takes(monkeypatch):
    monkeypatch.setattr(browser.shutil, 'which', lambda name: None)
    with pytest.raises(UserError, match='takes Chromium, chromedriver and the package selenium'):
        with browser.opened('http://127.0.0.1/'):
            pass
