"""What is timed, and what is kept out of it."""

import time

import networks
import numpy as np

from resnet_in_tf.evaluation import timing


def test_a_function_is_timed_with_what_it_returns():
    value, seconds = timing.timed(lambda: time.sleep(0.05) or 'x')
    assert value == 'x' and 0.05 <= seconds < 5


def test_the_first_call_is_apart_from_the_warm_ones():
    pauses = iter([0.3, 0, 0, 0])
    first, seconds = timing.warm_runs(lambda: time.sleep(next(pauses)), 3)
    assert first >= 0.3 and len(seconds) == 3 and next(pauses, None) is None


def test_each_style_of_a_network_has_its_runs_and_identity_none(tmp_path):
    model = networks.write_random(tmp_path / 'net.pb')
    rows = timing.time_network(model, np.zeros([16, 16, 3], np.uint8), 2)
    assert [row['style'] for row in rows] == ['wave', 'udnie']
    assert all(len(row['runs']) == 2 and min([row['load'], row['first']] + row['runs']) > 0 for row in rows)
    assert rows[0]['load'] == rows[1]['load']  # it is loaded once
