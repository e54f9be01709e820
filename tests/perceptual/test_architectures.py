"""VGG's tables say what Simonyan and Zisserman printed."""

import pytest

from resnet_in_tf.errors import UserError
from resnet_in_tf.perceptual import architectures


def test_the_tables_have_16_and_19_layers_less_the_three_that_are_fully_connected():
    for name, count in (('VGG-16', 13), ('VGG-19', 16)):
        table = architectures.ARCHITECTURES[name]
        assert len(table) == count and table[0] == ('conv1_1', 3, 64) and table[-1][1:] == (512, 512)
        assert all(before[2] == after[1] for before, after in zip(table, table[1:]))


def test_a_layer_asks_for_what_leads_to_it_and_no_more():
    names = [name for name, _, _ in architectures.convolutions(['relu1_1', 'relu2_2'])]
    assert names == ['conv1_1', 'conv1_2', 'conv2_1', 'conv2_2']
    assert architectures.convolutions(['input', 'lightness']) == ()
    assert architectures.convolutions(['input', 'relu1_1']) == (('conv1_1', 3, 64),)


@pytest.mark.parametrize('layers, architecture, said', [
    (['relu3_4'], 'VGG-16', "VGG-16 has no layer 'relu3_4'; it has: input, lightness, relu1_1"),
    (['relu1_1', 'conv1_1'], 'VGG-19', "VGG-19 has no layer 'conv1_1'"), ([], 'VGG-19', "no layer ''")])
def test_a_layer_that_is_none_is_one_line_with_those_that_are(layers, architecture, said):
    with pytest.raises(UserError) as raised:
        architectures.check_layers(layers, architecture)
    assert said in str(raised.value)
    assert architectures.check_layers(['relu3_4']) == ('relu3_4',)
