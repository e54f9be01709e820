"""benchmark.py films: a row for each way of being steady, next to the bare network."""

import networks
import pytest

pytest.importorskip('cv2', reason="FILMS ARE NOT TIMED: pip install 'resnet_in_tf[video]'")

from film_files import make  # noqa: E402

from resnet_in_tf.benchmarks import films  # noqa: E402


def test_every_way_is_timed_next_to_the_network(tmp_path):
    lines = []
    rows = films.measure(networks.write_random(tmp_path / 'tiny.pb'), make(tmp_path / 'film.mp4'), 1,
                         show=lines.append)
    assert [row['case'] for row in rows] == ['network', '--steady none', '--steady statistics',
                                             '--steady flow']
    assert (rows[0]['ratio'], rows[0]['CPU ratio']) == (1, 1) and len(lines) == 4
    assert all(row['seconds'] > 0 and row['CPU s'] > 0 for row in rows)
