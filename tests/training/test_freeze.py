"""The card of a run: every setting that the table puts on it, and nothing that it does not."""

import json

from resnet_in_tf.training import freeze
from resnet_in_tf.training.config import SETTINGS, resolve


def record(config):
    return {'config': config, 'style_names': ['wave', 'identity'],
            'styles': [{'file': 'wave.jpg', 'sha256': 'f00'}], 'split': {'train': ['a.jpg'], 'test': []},
            'loss_network': {'name': 'random:0', 'checksum': '0'}, 'versions': {'numpy': '1'}}


def test_a_card_holds_the_settings_that_the_table_puts_on_it():
    config = resolve({'vgg_weights': 'random', 'silence_weight': 0.5})
    card = json.loads(json.dumps(freeze.describe_run(record(config), 7)))
    assert set(card['training']) == {setting.name for setting in SETTINGS if setting.on_card}
    assert card['training']['silence_weight'] == 0.5
    assert card['training']['saturation_weight'] == card['training']['spikes_weight'] == 1.0
    assert card['steps'] == 7 and card['photos'] == 1
    assert card['styles'] == [{'name': 'wave', 'file': 'wave.jpg', 'sha256': 'f00'}]


def test_a_run_of_before_a_setting_was_there_is_frozen_without_it():
    config = resolve({'vgg_weights': 'random'})
    del config['silence_weight']
    assert 'silence_weight' not in freeze.describe_run(record(config), 7)['training']
