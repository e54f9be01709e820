"""The feature graphs of VGG-16 and VGG-19 against an independent forward pass, Keras' own."""

import numpy as np
import pytest
import scipy.misc
import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.perceptual import vgg

LAYERS = {'VGG16': ('relu1_1', 'relu1_2', 'relu2_2', 'relu3_3', 'relu4_1', 'relu4_2', 'relu5_3'),
          'VGG19': ('relu1_1', 'relu1_2', 'relu2_2', 'relu3_1', 'relu4_2', 'relu5_4')}


@pytest.fixture(scope='module')
def photo():
    """A crop of a real photo: uint8 [1, 64, 96, 3], RGB; sides that pool five times evenly."""
    return scipy.misc.face()[300:364, 400:496][None]


@pytest.fixture(scope='module', params=sorted(LAYERS))
def keras(request, photo, tmp_path_factory):
    """Path of a weight file that Keras wrote, and what Keras' own network makes of the photo."""
    path = str(tmp_path_factory.mktemp('keras') / 'vgg.h5')
    random = np.random.RandomState(0)
    tf.keras.backend.clear_session()
    model = getattr(tf.keras.applications, request.param)(weights=None, include_top=False)
    for layer in model.layers:
        if layer.get_weights():
            kernel, bias = layer.get_weights()
            # He's scale keeps activations alive to the last layer; biases must count too.
            deviation = np.sqrt(2.0 / np.prod(kernel.shape[:3]))
            layer.set_weights([random.normal(0, deviation, kernel.shape),
                               random.normal(0, 5, bias.shape)])
    model.save_weights(path)
    names = [layer.replace('relu', 'block').replace('_', '_conv') for layer in LAYERS[request.param]]
    several = tf.keras.Model(model.input, [model.get_layer(name).output for name in names])
    image = tf.keras.applications.vgg19.preprocess_input(photo.astype(np.float32))
    activations = several.predict(image)
    tf.keras.backend.clear_session()
    return path, dict(zip(LAYERS[request.param], activations))


def test_features_from_a_keras_file_equal_keras_activations(photo, keras):
    path, activations = keras
    weights = vgg.open_weights(path, list(activations))
    assert weights.pooling == 'max'
    features = vgg.evaluate(photo, list(activations), weights)
    for layer in activations:
        right = activations[layer]
        assert features[layer].shape == right.shape
        assert right.std() > 1  # an agreement of zeros would prove nothing
        error = np.abs(features[layer] - right).max() / np.abs(right).max()
        assert error < 1e-3, (layer, error)


def test_rgb_and_bgr_differ_by_more_than_the_tolerance(photo, keras):
    path, activations = keras
    weights = vgg.open_weights(path, ('relu1_1',))
    swapped = vgg.evaluate(photo[..., ::-1], ('relu1_1',), weights)['relu1_1']
    right = activations['relu1_1']
    assert np.abs(swapped - right).max() / np.abs(right).max() > 1e-2


def test_a_layer_that_the_file_s_network_lacks_is_said(keras):
    path, activations = keras
    if 'relu5_4' in activations:
        assert 'conv3_4' in vgg.open_weights(path, ('relu3_4',)).kernels
        return
    with pytest.raises(UserError) as error:
        vgg.open_weights(path, ('relu2_1', 'relu3_4', 'relu5_4'))
    assert str(error.value).startswith(
        "--vgg_weights %s: VGG-16 has no layer 'relu3_4', 'relu5_4'; it has: input, " % path)


def test_no_deeper_than_its_deepest_layer_in_use(keras):
    weights = vgg.open_weights(keras[0], ('input', 'relu2_1'))
    assert list(weights.kernels) == ['conv1_1', 'conv1_2', 'conv2_1']
    assert list(vgg.open_weights(keras[0], ('input', 'lightness')).kernels) == []
