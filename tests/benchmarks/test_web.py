"""The benchmark of the page on the device; its figures are tried with the page itself, in exports/web."""

import pytest

from resnet_in_tf.benchmarks import web
from resnet_in_tf.errors import UserError


def test_another_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match='not a folder of freeze_graph.py --format web'):
        web.measure(str(tmp_path), 'photo.jpg', [(64, 64)], 1, print)
