"""The card beside a network, through the real script."""

import hashlib
import json

import networks
import running


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
                            '--notes', str(notes), '--photos', '1')
    assert result.returncode == 0, result.stderr
    card = json.loads((tmp_path / 'tiny.json').read_text())
    assert card['sha256'] == hashlib.sha256(model.read_bytes()).hexdigest()
    assert card['steps'] == 24 and card['bytes'] == model.stat().st_size
    waves, tiles = card['styles']
    assert waves['artist'] == 'A. Painter' and waves['year'] == '1900' and 'artist' not in tiles
    assert all(style['losses']['style'] > 0 and style['losses']['content'] > 0
               for style in (waves, tiles))


def test_card_without_a_painting_names_it(tmp_path, paintings, photo_folder):
    model = networks.write_random(tmp_path / 'network.pb')
    result = running.script('evaluate.py', 'card', '--model', model, '--styles',
                            paintings[0], '--test_images', photo_folder, '--vgg_weights', 'random')
    assert result.returncode == 2
    assert result.stderr.strip().endswith('there is no painting called wave')
