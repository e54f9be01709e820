"""The VGG-19 feature graph against an independent forward pass, Keras' own VGG-19."""

import numpy as np
import pytest
import scipy.misc
import tensorflow.compat.v1 as tf

from resnet_in_tf.perceptual import vgg

LAYERS = ('relu1_1', 'relu1_2', 'relu2_2', 'relu3_1', 'relu4_2', 'relu5_4')


@pytest.fixture(scope='module')
def photo():
    """A crop of a real photo: uint8 [1, 64, 96, 3], RGB; sides that pool five times evenly."""
    return scipy.misc.face()[300:364, 400:496][None]


@pytest.fixture(scope='module')
def keras(photo, tmp_path_factory):
    """Path of a weight file that Keras wrote, and what Keras' VGG-19 makes of the photo."""
    path = str(tmp_path_factory.mktemp('keras') / 'vgg19.h5')
    random = np.random.RandomState(0)
    tf.keras.backend.clear_session()
    model = tf.keras.applications.VGG19(weights=None, include_top=False)
    for layer in model.layers:
        if layer.get_weights():
            kernel, bias = layer.get_weights()
            # He's scale keeps activations alive to the last layer; biases must count too.
            deviation = np.sqrt(2.0 / np.prod(kernel.shape[:3]))
            layer.set_weights([random.normal(0, deviation, kernel.shape),
                               random.normal(0, 5, bias.shape)])
    model.save_weights(path)
    names = [layer.replace('relu', 'block').replace('_', '_conv') for layer in LAYERS]
    several = tf.keras.Model(model.input, [model.get_layer(name).output for name in names])
    image = tf.keras.applications.vgg19.preprocess_input(photo.astype(np.float32))
    activations = several.predict(image)
    tf.keras.backend.clear_session()
    return path, dict(zip(LAYERS, activations))


def test_features_from_a_keras_file_equal_keras_activations(photo, keras):
    path, activations = keras
    weights = vgg.open_weights(path, LAYERS)
    assert weights.pooling == 'max'
    features = vgg.evaluate(photo, LAYERS, weights)
    for layer in LAYERS:
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
