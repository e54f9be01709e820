"""The folder of --format web: whole or not there, and its network that of the .pb."""

import json
import os

import networks
import numpy as np
import pytest

from resnet_in_tf import exports
from resnet_in_tf.errors import UserError
from resnet_in_tf.exports.web import packages, site
from resnet_in_tf.network import frozen

NAMES = [name for each in packages.RUNTIMES.values() for name in each]


@pytest.fixture
def runtime(monkeypatch):
    """onnxruntime-web, but for its contents."""
    pytest.importorskip('onnxruntime')
    monkeypatch.setattr(packages, 'runtime_files', lambda: {name: name.encode() for name in NAMES})


@pytest.mark.parametrize('system', ['resnet_in', 'resnet_any'])
def test_the_folder_has_all_that_its_page_asks_for(tmp_path, runtime, system):
    model = networks.write_random(tmp_path / 'net.pb', system)
    exports.export(model, 'web', str(tmp_path / 'out' / 'site'))
    assert os.listdir(str(tmp_path / 'out')) == ['site']
    folder = tmp_path / 'out' / 'site'
    described = json.loads((folder / 'site.json').read_text())
    for file in list(described['files'].values()) + [each['wasm'] for each in described['runtimes'].values()]:
        assert (folder / file['path']).stat().st_size == file['bytes']
    worker = (folder / 'service_worker.js').read_text().split('\n')[0]
    kept = json.loads(worker[len('const SITE = '):-1])
    assert kept['cache'] == described['cache'] and kept['page'][0] == './'
    assert all((folder / name).exists() for name in kept['page'])
    html = (folder / 'index.html').read_text()
    for name in ('static/device/backend.js', 'static/app.js', 'static/style.css'):
        assert name in html and name in kept['page']
    assert 'server.js' not in html and (folder / 'onnxruntime' / 'LICENSE.txt').read_text().startswith('MIT')
    assert [style['name'] for style in described['styles']] == ['wave', 'udnie']
    assert (described['palettes'] is None) == (system == 'resnet_in')


def test_what_is_there_stays(tmp_path, runtime):
    (tmp_path / 'site').mkdir()
    with pytest.raises(UserError, match='is there already; name a new folder'):
        exports.export(networks.write_random(tmp_path / 'net.pb'), 'web', str(tmp_path / 'site'))
    assert os.listdir(str(tmp_path / 'site')) == []


def test_what_fails_leaves_nothing(tmp_path, runtime, monkeypatch):
    model = networks.write_random(tmp_path / 'net.pb')

    def fails():
        raise UserError('npm cannot be run')
    monkeypatch.setattr(packages, 'runtime_files', fails)
    with pytest.raises(UserError, match='npm cannot be run'):
        exports.export(model, 'web', str(tmp_path / 'out' / 'site'))
    assert os.listdir(str(tmp_path)) == ['net.pb']


@pytest.mark.parametrize('system', ['cnn', 'cnn_bn', 'fnst', 'resnet_contrast'])
def test_other_norms_are_refused(tmp_path, runtime, system):
    with pytest.raises(UserError):
        exports.export(networks.write_random(tmp_path / 'net.pb', system), 'web', str(tmp_path / 'site'))
    assert os.listdir(str(tmp_path)) == ['net.pb']


def test_kernels_are_whole_where_halves_cost_too_much(tmp_path, monkeypatch):
    pytest.importorskip('onnxruntime')
    graph_def, style_names, _ = frozen.read_graph(networks.write_random(tmp_path / 'net.pb', 'resnet_any'))
    half, difference = site.smallest(graph_def, style_names, 'site')
    assert 0.01 < difference < 1
    monkeypatch.setattr(site, 'HALF_LIMIT', 0)
    whole, difference = site.smallest(graph_def, style_names, 'site')
    assert difference < 0.01 and len(whole.weights) > 1.9 * len(half.weights)
    assert np.array_equal(whole.table, half.table)
