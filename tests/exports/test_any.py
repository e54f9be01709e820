"""A network that takes any picture as a style: exports hold its named styles."""

import networks
import pytest

from resnet_in_tf import exports
from resnet_in_tf.perceptual import vgg
from resnet_in_tf.training import style_pictures


@pytest.mark.slow
@pytest.mark.parametrize('format_, name, options', [
    ('onnx', 'any.onnx', {}), ('saved_model', 'saved', {}),
    ('tflite', 'any.tflite', {'sizes': ['48x32'], 'weights': ['float32']})])
def test_each_format_paints_as_the_network_does(tmp_path, format_, name, options):
    model = networks.write_random(tmp_path / 'any.pb', 'resnet_any', 2,
                                  encode=style_pictures.encoder_of(vgg.random_weights(0, ('relu4_1',))))
    written, = exports.export(model, format_, str(tmp_path / name), **options)
    assert written.difference < 1 and written.bytes < 2e6  # without the predictor
