"""Exports of one network are the same bytes each time, and leave nothing but themselves."""

import hashlib
import os
import subprocess
import sys

import networks
import pytest
import tensorflow.compat.v1 as tf

from resnet_in_tf import exports

# TensorFlow 1.15 writes float16 TFLite in an order that its C++ code draws by lot.
WEIGHTS = ['float32'] if tf.__version__.startswith('1.') else ['float32', 'float16']
TWICE = """
import sys
from resnet_in_tf import exports
options = {'sizes': ['20x18'], 'weights': sys.argv[4:]} if sys.argv[3] == 'tflite' else {}
for folder in ('a', 'b'):
    exports.export(sys.argv[1], sys.argv[3], '%s/%s/net%s' % (
        sys.argv[2], folder, exports.EXTENSIONS.get(sys.argv[3], '')), **options)
"""


NEEDED = {'onnx': 'tf2onnx', 'web': 'onnxruntime'}  # by exports of these formats


def checksums(folder):
    found = {}
    for place, _, names in os.walk(str(folder)):
        for name in names:
            path = os.path.join(place, name)
            with open(path, 'rb') as file:
                found[os.path.relpath(path, str(folder))] = hashlib.sha256(file.read()).hexdigest()
    return found


@pytest.mark.parametrize('format_', sorted(exports.WRITERS))
def test_exports_are_the_same_bytes_in_one_process_and_in_the_next(tmp_path, format_):
    if format_ in NEEDED:
        pytest.importorskip(NEEDED[format_])
    model = networks.write_random(tmp_path / 'net.pb')
    (tmp_path / 'temporary').mkdir()
    made = []
    for seed in ('1', '2'):
        subprocess.run([sys.executable, '-c', TWICE, model, str(tmp_path / seed), format_] + WEIGHTS,
                       env=dict(os.environ, PYTHONHASHSEED=seed, TMPDIR=str(tmp_path / 'temporary'),
                                PYTHONPATH=os.pathsep.join(sys.path)), check=True)
        made += [checksums(tmp_path / seed / folder) for folder in 'ab']
        assert os.listdir(str(tmp_path / 'temporary')) == []
    assert made[0] and made == made[:1] * 4
