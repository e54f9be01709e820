"""Benchmark of paintings as styles: every case is timed, and the named style is the measure of all."""

import networks
import pytest

from resnet_in_tf.benchmarks import style_images
from resnet_in_tf.errors import UserError


def test_each_case_is_timed_next_to_the_named_style(tmp_path, photo_folder, paintings, monkeypatch):
    monkeypatch.setenv('RESNET_IN_TF_CACHE', str(tmp_path))
    model = networks.write_random(tmp_path / 'any.pb', 'resnet_any', 2, encode=networks.encode)
    shown = []
    rows = style_images.measure(model, photo_folder + '/00.jpg', paintings[0], 48, 2, show=shown.append)
    assert len(shown) == 3 and [row['case'] for row in rows] == [
        style_images.NAMED, style_images.CACHED, style_images.ROW]
    assert (rows[0]['ratio'], rows[0]['CPU ratio']) == (1, 1)
    assert all(row['seconds'] > 0 and row['CPU seconds'] > 0 and row['ratio'] > 0 for row in rows)


def test_a_network_without_a_style_predictor_is_one_line(tmp_path, paintings):
    model = networks.write_random(tmp_path / 'plain.pb', width=2)
    with pytest.raises(UserError, match='^--model .*plain.pb: has no style predictor$'):
        style_images.measure(model, paintings[0], paintings[1], 48)
