"""The card beside a network, through the real script."""

import hashlib
import json

import networks
import numpy as np
import pytest
import running

from resnet_in_tf.errors import UserError
from resnet_in_tf.evaluation import card, texture
from resnet_in_tf.training.paintings import read_painting


def test_card_holds_losses_of_each_style_notes_and_checksum(tmp_path, tiny_model, paintings,
                                                            photo_folder):
    model = tmp_path / 'tiny.pb'
    with open(tiny_model, 'rb') as source:
        model.write_bytes(source.read())
    notes = tmp_path / 'notes.json'
    notes.write_text(json.dumps({'waves': {'title': 'Waves', 'artist': 'A. Painter', 'year': '1900'}}))
    folder = paintings[0].rsplit('/', 1)[0]
    result = running.script('evaluate.py', 'card', '--model', str(model), '--styles', folder,
                            '--test_images', photo_folder, '--vgg_weights', 'random',
                            '--judge_vgg_weights', 'random:1', '--crops', '4',
                            '--notes', str(notes), '--photos', '2')
    assert result.returncode == 0, result.stderr
    card = json.loads((tmp_path / 'tiny.json').read_text())
    assert card['sha256'] == hashlib.sha256(model.read_bytes()).hexdigest()
    assert card['steps'] == 24 and card['bytes'] == model.stat().st_size
    waves, tiles = card['styles']
    assert waves['artist'] == 'A. Painter' and waves['year'] == '1900' and 'artist' not in tiles
    assert all(style['losses']['style'] > 0 and style['losses']['content'] > 0
               for style in (waves, tiles))
    assert card['measured_with'] == {'vgg_weights': 'random', 'judge_vgg_weights': 'random:1', 'crops': 4}
    assert set(card['recognition']) == {'accuracy', 'recall', 'f1', 'auc'} and card['test_photos'] == 2
    assert card['recognition']['accuracy'] == np.mean([waves['recognised'], tiles['recognised']])
    for style in (waves, tiles):
        own = read_painting(paintings[0 if style is waves else 1], 64)
        assert style['pixel_patterns']['painting'] == pytest.approx(texture.pixel_patterns(own), abs=1e-3)
        assert style['textureless']['painting'] == pytest.approx(texture.textureless_share(own), abs=1e-3)
        assert 0 < style['ssim'] < 1
        line = [line for line in result.stdout.splitlines() if line.startswith(style['name'] + ': ')][0]
        for number in (style['ssim'], style['recognised'], style['losses']['style'], style['unevenness'],
                       style['pixel_patterns']['pictures'], style['textureless']['pictures']):
            assert str(number) in line
    assert 'recognition: accuracy %s' % card['recognition']['accuracy'] in result.stdout


def test_card_without_a_painting_names_it(tmp_path, paintings, photo_folder):
    model = networks.write_random(tmp_path / 'network.pb')
    result = running.script('evaluate.py', 'card', '--model', model, '--styles',
                            paintings[0], '--test_images', photo_folder, '--vgg_weights', 'random')
    assert result.returncode == 2
    assert result.stderr.strip().endswith('there is no painting called wave')


@pytest.mark.parametrize('text, wrong', [
    ('[]', 'must be an object, such as'), ('[{"waves": {}}]', 'must be an object'),
    ('5', 'must be an object'), ('null', 'must be an object'),
    ('{"waves": []}', 'waves must have an object, such as'),
    ('{"waves": "x"}', 'waves must have an object'), ('{', r'cannot be read as JSON \(Expecting'),
    pytest.param('[' * 10 ** 5, r'cannot be read as JSON \(it is nested', id='deep'),
    ('', r'cannot be read as JSON \(Expecting'), (b'\xff\xfe', r'cannot be read as JSON \(.* decode'),
    ('{"waves": {"title": "Waves", "recognised": 1.0}}', 'waves has recognised; a note may have title, '),
    ('{"tiles": {}, "waves": {"losses": {"content": 0}}}', 'waves has losses; a note may have'),
    ('{"waves": {"name": "udnie"}}', 'waves has name; a note may have')])
def test_notes_that_are_none_are_one_line_before_anything_is_measured(tmp_path, text, wrong):
    notes = tmp_path / 'notes.json'
    notes.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError, match='^--notes .*notes.json: ' + wrong) as raised:
        card.write_card(str(tmp_path / 'not_opened.pb'), [], str(tmp_path), 'random', notes=str(notes))
    assert 'JSON' not in str(raised.value) or 'cannot be read' in wrong


def test_no_note_stands_among_what_is_measured(tmp_path):
    notes = tmp_path / 'notes.json'
    notes.write_text('{"waves": {"title": "Waves", "artist": "A. Painter", "year": 1900}}')
    with open(networks.CHECKPOINT[:-3] + '.json', encoding='utf-8') as file:
        shipped = json.load(file)['styles'][0]
    assert set(card.read_notes(str(notes))['waves']) == set(card.NOTED) < set(shipped)


@pytest.mark.parametrize('text', ['{"my": "results"}', '[1, 2]', '5', 'notes of mine', '',
                                  pytest.param('[' * 10 ** 5, id='deep')])
def test_a_json_that_is_no_card_is_left_as_it_is(tmp_path, paintings, photo_folder, text):
    model = networks.write_random(tmp_path / 'network.pb')
    mine = tmp_path / 'network.json'
    mine.write_text(text)
    with pytest.raises(UserError, match='network.json: the card would be written there, and what is there '
                                        'is no card; move it away$'):
        card.write_card(model, paintings, photo_folder, 'random')
    assert mine.read_text() == text
    assert sorted(path.name for path in tmp_path.iterdir()) == ['network.json', 'network.pb']


def test_a_card_may_take_the_place_of_a_card(tmp_path):
    (tmp_path / 'network.json').write_text('{"style_names": []}')
    card.check_is_card(str(tmp_path / 'network.json'))
    card.check_is_card(str(tmp_path / 'none.json'))
