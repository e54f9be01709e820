"""Any picture as a named style for good: what it paints, what the card says, and what is refused."""

import hashlib
import json
import os

import networks
import numpy as np
import PIL.Image
import pytest
import running

from resnet_in_tf.errors import UserError
from resnet_in_tf.network import frozen
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling import style_rows
from resnet_in_tf.restyling.stylizer import Stylizer
from resnet_in_tf.tiles.network import FixedNetwork


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return networks.write_any(
        tmp_path_factory.mktemp('rows') / 'any.pb', 2,
        training={'style_size': 40}, style_names=networks.STYLE_NAMES,
        styles=[{'name': 'wave', 'file': 'wave.jpg'}, {'name': 'udnie', 'file': 'udnie.jpg'}])


@pytest.fixture(scope='module')
def commands(tmp_path_factory, model, paintings, photo, tiny_model):
    """A folder, and what commands one after another did there, by name."""
    tmp = tmp_path_factory.mktemp('commands')
    source = str(tmp / 'photo.png')
    images.write(source, photo)
    first, painting = str(tmp / 'first.pb'), paintings[0]

    def add(name, output, *flags, start=model, images=(painting,)):
        return (['style_row.py', '--model', start, '--name', name, '--output', output]
                + ['--style_image=' + path for path in images] + list(flags))

    def paint(model, output, *flags):
        return ['stylize.py', '--model', model, '--input', source, '--output', tmp / output] + list(flags)

    table = [
        ('add', add('mine', first, '--title', 'Waves')),
        ('mix', add('both', str(tmp / 'second.pb'), start=first, images=(painting + ':3', paintings[1]))),
        ('there', add('other', first)),
        ('replaced', add('other', first + 'x')), ('replaced again', add('other', first + 'x', '--overwrite')),
        ('known', add('mine', str(tmp / 'x.pb'), start=first)),
        ('no predictor', add('mine', str(tmp / 'x.pb'), start=tiny_model)),
        ('no photos', add('mine', str(tmp / 'x.pb'), '--refine=1')),
        ('no refine', add('mine', str(tmp / 'x.pb'), '--photos', source)),
        ('negative', add('mine', str(tmp / 'x.pb'), '--refine=-1', '--photos', source)),
        ('refined', add('mine', str(tmp / 'refined.pb'), '--refine=0.1', '--photos', source,
                        '--vgg_weights=random')),
        ('named', paint(first, 'named.png', '--style=mine')),
        ('image', paint(model, 'image.png', '--style_image', painting)),
        ('trained', paint(model, 'trained.png', '--style_image', painting, '--refine=0.1',
                          '--vgg_weights=random', '--style=wave:.2')),
        ('nothing to train', paint(model, 'y.png', '--refine=1')),
        ('naas', ['stylize.py', '--system=naas', '--input', source, '--output', str(tmp / 'y.png'),
                  '--style_image', painting, '--refine=1']),
        ('done already', paint(model, 'image.png', '--style_image', painting, '--refine=1000'))]
    names, lines = zip(*table)
    return str(tmp), dict(zip(names, running.many(lines)))


def test_the_row_is_a_style_like_the_others(commands, model, photo):
    tmp, results = commands
    assert results['add'].returncode == 0 and results['add'].stderr == ''
    assert results['add'].stdout.startswith(tmp + '/first.pb: ')
    assert results['add'].stdout.endswith(', style 3 is mine\n')
    assert results['named'].returncode == results['image'].returncode == 0
    named, image = [images.read(os.path.join(tmp, name)).astype(int) for name in ('named.png', 'image.png')]
    assert abs(named - image).max() <= 1 and abs(named - photo).mean() > 10
    before, after = Stylizer(model), Stylizer(os.path.join(tmp, 'first.pb'))
    assert after.style_names == ['wave', 'udnie', 'mine', 'identity']
    for style in before.style_names:
        assert (before.stylize(photo, before.style_weights(style))
                == after.stylize(photo, after.style_weights(style))).all(), style
    assert after.style_images is not None
    fixed = FixedNetwork(after.engine.graph_def)
    assert fixed.styles == 4
    for opened in (before, after, fixed):
        opened.close()


def test_several_pictures_are_one_row_in_their_shares(commands, model, paintings, photo):
    tmp, results = commands
    assert results['mix'].returncode == 0, results['mix']
    before, after = Stylizer(model), Stylizer(os.path.join(tmp, 'second.pb'))
    wanted = before.stylize(photo, before.style_weights(None, images=[paintings[0] + ':3', paintings[1]]))
    assert after.stylize(photo, after.style_weights('both')) == pytest.approx(wanted, abs=0.1)
    assert after.styles == ['wave', 'udnie', 'mine', 'both']
    before.close()
    after.close()


def test_the_card_tells_where_a_style_is_from(commands, paintings):
    tmp, results = commands
    card = frozen.read_graph(os.path.join(tmp, 'second.pb'))[2]
    assert card['style_names'] == ['wave', 'udnie', 'mine', 'both', 'identity'] and card['steps'] == 7
    described = []
    for path in paintings:
        with open(path, 'rb') as file:
            checksum = hashlib.sha256(file.read()).hexdigest()
        described.append({'file': os.path.basename(path), 'sha256': checksum})
    assert card['styles'] == [
        {'name': 'wave', 'file': 'wave.jpg'}, {'name': 'udnie', 'file': 'udnie.jpg'},
        dict(described[0], name='mine', predicted=True, title='Waves'),
        {'name': 'both', 'predicted': True, 'pictures': [dict(described[0], share=.75),
                                                         dict(described[1], share=.25)]}]


@pytest.mark.parametrize('name, words', [
    ('there', '--output {}/first.pb: is there already; name another file, or add --overwrite'),
    ('known', "--name: {}/first.pb has a style 'mine' already; give another"),
    ('no predictor', 'tiny.pb: makes no style from a picture; train.py --styles_dir trains one that does'),
    ('no photos', '--photos is missing'), ('no refine', 'photo.png: is for --refine SECONDS'),
    ('negative', '--refine'),
    ('nothing to train', '--refine trains the row of a --style_image: name one'),
    ('naas', '--refine trains the row of a --style_image, and --system naas has none')])
def test_what_cannot_be_is_one_line_and_nothing_is_written(commands, name, words):
    tmp, results = commands
    result = results[name]
    assert result.returncode == 2 and result.stdout == '' and result.stderr.count('\n') == 1
    assert result.stderr.startswith('error: ') and words.format(tmp) in result.stderr
    assert sorted(os.listdir(tmp)) == ['first.pb', 'first.pbx', 'image.png', 'named.png', 'photo.png',
                                       'refined.pb', 'second.pb', 'trained.png']


def test_what_is_there_is_replaced_where_that_is_asked_for(commands):
    assert commands[1]['replaced'].returncode == commands[1]['replaced again'].returncode == 0


def test_rows_are_trained_further_by_both_scripts(commands):
    tmp, results = commands
    for name in ('refined', 'trained'):
        assert results[name].returncode == 0, results[name]
        assert results[name].stderr.startswith('refined in ') and results[name].stderr.count('\n') == 1
    first, refined = [frozen.read_graph(os.path.join(tmp, name + '.pb')) for name in ('first', 'refined')]
    told = refined[2]['styles'][-1]['refined']
    assert told['steps'] >= 1 and told['loss_network']['name'] == 'random:0'
    assert set(told['losses']) == {'total', 'content', 'style', 'total_variation'}
    assert results['done already'].returncode == 0
    assert results['done already'].stdout == '0 done, 1 skipped, 0 failed\n'
    assert results['done already'].stderr == ''


@pytest.mark.parametrize('name, words', [
    ('identity', "'identity' cannot name a style; give another"), ('', "'' cannot name a style"),
    ('  ', 'cannot name a style'), ('12', 'as numbers stand for their places'), ('a,b', 'as , and : stand'),
    ('a:1', 'as , and : stand'), ('a\nb', 'cannot name a style'), ('wave', "has a style 'wave' already")])
def test_a_name_that_is_none_is_one_line(model, paintings, tmp_path, name, words):
    with pytest.raises(UserError, match='^--name: ') as caught:
        style_rows.write(model, paintings[:1], name, str(tmp_path / 'x.pb'))
    assert words in str(caught.value) and os.listdir(str(tmp_path)) == []


def test_accents_are_one_letter_with_their_own(model, paintings, tmp_path):
    path = str(tmp_path / 'a.pb')
    style_rows.write(model, paintings[:1], 'cafe\u0301 ', path)
    assert frozen.read_graph(path)[1][2] == 'caf\u00e9'
    with pytest.raises(UserError, match='has a style'):
        style_rows.write(path, paintings[:1], 'caf\u00e9', str(tmp_path / 'b.pb'))


@pytest.mark.parametrize('images_, output, words', [
    (['{}/none.jpg'], 'x.pb', 'none.jpg'), (['{}/text.jpg'], 'x.pb', 'text.jpg: not a picture'),
    (['{}/waves.png:0'], 'x.pb', '--style_image .*the weights sum to zero'),
    (['{}/waves.png'], 'x.onnx', '--output .*x.onnx: a .pb is written; freeze_graph.py --model makes .onnx')])
def test_a_file_that_is_none_is_one_line(model, paintings, tmp_path, images_, output, words):
    (tmp_path / 'text.jpg').write_text('no picture')
    images.write(str(tmp_path / 'waves.png'), images.read(paintings[0]))
    with pytest.raises(UserError, match=words):
        style_rows.write(model, [each.format(tmp_path) for each in images_], 'mine', str(tmp_path / output))
    assert sorted(os.listdir(str(tmp_path))) == ['text.jpg', 'waves.png']


def bad_painting(kind, path):
    """Writes a painting that is no ordinary one."""
    random = np.random.RandomState(0)
    mode, array = {'grey': ('L', random.randint(0, 256, [30, 40])),
                   'one colour': ('RGB', np.full([30, 40, 3], [200, 30, 90])),
                   'black': ('RGB', np.zeros([30, 40, 3])), 'a pixel': ('RGB', np.full([1, 1, 3], 77)),
                   'a line': ('RGB', random.randint(0, 256, [1, 50, 3])),
                   'alpha': ('RGBA', random.randint(0, 256, [30, 40, 4])),
                   'large': ('RGB', np.kron(random.randint(0, 256, [30, 40, 3]), np.ones([70, 70, 1])))}.get(
                       kind, (None, random.randint(0, 2 ** 16, [30, 40])))
    if mode is None:
        PIL.Image.fromarray(array.astype(np.uint16)).save(path)
    else:
        PIL.Image.fromarray(array.astype(np.uint8), mode).save(path)


@pytest.mark.parametrize('kind', ['one colour', 'black', 'a pixel'])
def test_one_colour_is_no_style(model, tmp_path, kind):
    path, output = str(tmp_path / 'odd.png'), str(tmp_path / 'odd.pb')
    bad_painting(kind, path)
    with pytest.raises(UserError, match='odd.png: is one colour all over'):
        style_rows.write(model, [path], 'odd', output)
    assert not os.path.exists(output)


@pytest.mark.parametrize('kind', ['grey', 'a line', 'alpha', 'large', '16 bits'])
def test_odd_paintings_are_styles(model, photo, tmp_path, kind):
    path, output = str(tmp_path / 'odd.png'), str(tmp_path / 'odd.pb')
    bad_painting(kind, path)
    style_rows.write(model, [path], 'odd', output)
    opened = Stylizer(output)
    painted = opened.stylize(photo, opened.style_weights('odd'))
    opened.close()
    assert np.isfinite(painted).all()


def test_a_row_that_is_not_finite_is_one_line(model, paintings, tmp_path, monkeypatch):
    monkeypatch.setattr(style_rows.rows, 'predict', lambda graph_def, pictures: np.full([1, 9], np.nan))
    with pytest.raises(UserError, match='^--style_image .*waves.png: gives no style, its row is not finite'):
        style_rows.write(model, paintings[:1], 'mine', str(tmp_path / 'x.pb'))
    assert os.listdir(str(tmp_path)) == []


@pytest.mark.slow
def test_exports_have_the_style(commands, tmp_path):
    result = running.script('freeze_graph.py', '--model', os.path.join(commands[0], 'first.pb'), '--format',
                            'saved_model', '--output', tmp_path / 'saved')
    assert result.returncode == 0, result.stderr  # it has been compared with the .pb
    card = json.loads((tmp_path / 'saved' / 'assets.extra' / 'card.json').read_text(encoding='utf-8'))
    assert card['style_names'] == ['wave', 'udnie', 'mine', 'identity']
