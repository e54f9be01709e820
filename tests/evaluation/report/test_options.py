"""What a report can be told, and what follows where it is told nothing."""

import pytest

from resnet_in_tf.errors import UserError
from resnet_in_tf.evaluation.report import options
from resnet_in_tf.training import config


def test_what_is_not_given_takes_its_default_and_an_empty_list_is_not_given():
    found = options.resolve({'test_photos': 3, 'crops': None, 'systems': []})
    assert found['test_photos'] == 3 and found['crops'] == 60
    assert list(found['systems']) == ['resnet_in', 'cnn', 'cnn_bn', 'fnst', 'naas']
    assert set(found) == {setting.name for setting in options.SETTINGS}


def test_what_it_shares_with_training_has_the_defaults_of_training():
    found, own = options.resolve({'vgg_weights': 'hed'}), config.resolve({'vgg_weights': 'hed'})
    assert {name: found[name] for name in options.OF_TRAINING} == {name: own[name]
                                                                   for name in options.OF_TRAINING}
    assert found['vgg_weights'] == 'hed'


@pytest.mark.parametrize('given, said', [
    ({'test_photos': 0}, '--test_photos'), ({'segments': 1}, '--segments'),
    ({'batch_size': 0}, '--batch_size')])
def test_a_value_out_of_bounds_is_one_line_with_its_flag(given, said):
    with pytest.raises(UserError, match=said):
        options.resolve(given)


def test_a_setting_that_there_is_not_is_a_mistake_of_the_code():
    with pytest.raises(TypeError):
        options.resolve({'no_such_setting': 1})
