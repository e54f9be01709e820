"""The losses of each kind of loss network."""

import pytest

from resnet_in_tf.perceptual import vgg
from resnet_in_tf.perceptual.architectures import check_layers
from resnet_in_tf.perceptual.loss_defaults import LOSS_DEFAULTS, loss_defaults

GATYS = ('relu1_1', 'relu2_1', 'relu3_1', 'relu4_1', 'relu5_1')


@pytest.mark.parametrize('spec, kind', [
    ('hed', 'hed'), ('imagenet', 'imagenet'), ('random', 'random'), ('random:7', 'random'),
    ('hed.h5', 'imagenet'), ('folder/random.h5', 'imagenet'), ('vgg16.weights.h5', 'imagenet')])
def test_a_value_of_vgg_weights_has_its_kind_of_losses(spec, kind):
    assert loss_defaults(spec) == LOSS_DEFAULTS[kind]


def test_imagenet_has_gatys_layers_and_hed_holds_what_is_light_and_the_palette_too():
    assert loss_defaults('imagenet')[:2] == (('relu4_2',), GATYS)
    assert loss_defaults('hed')[:2] == (('lightness', 'relu3_3'), ('input',) + GATYS[:4])


@pytest.mark.parametrize('kind', sorted(LOSS_DEFAULTS))
def test_each_kind_of_network_has_the_layers_that_it_defaults_to(kind):
    architecture = vgg.NAMED.get(kind, ('VGG-19', None))[0]
    for layers in loss_defaults(kind)[:2]:
        assert check_layers(layers, architecture) == layers
