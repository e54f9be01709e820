"""Pictures that any program made, measured through the real script."""

import csv
import json
import os
import shutil

import numpy as np
import pytest
import running

from resnet_in_tf.errors import UserError
from resnet_in_tf.evaluation import pictures, quality
from resnet_in_tf.evaluation.recognition import Judge
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling.stylizer import Stylizer

PHOTOS = ['00', '01', '02']


@pytest.fixture
def untouched(tmp_path, photo_folder):
    """A folder of pictures that are the photos themselves, in both styles."""
    for style in ('waves', 'tiles'):
        (tmp_path / 'untouched' / style).mkdir(parents=True)
        for name in PHOTOS:
            images.write(str(tmp_path / 'untouched' / style / (name + '.png')),
                         images.read(os.path.join(photo_folder, name + '.jpg')))
    return tmp_path / 'untouched'


def command(folders, paintings, photo_folder, *more):
    return ['evaluate.py', 'pictures', '--styles', os.path.dirname(paintings[0]), '--test_images',
            photo_folder, '--vgg_weights', 'random', '--crops', '4',
            *['--pictures=%s' % path for path in folders], *more]


def rows_of(path):
    with open(str(path), newline='') as file:
        return {(row['pictures'], row['style']): row for row in csv.DictReader(file)}


def table_after(text, line):
    """The Markdown table after a line: dict first cell -> dict column -> cell."""
    lines = text.split(line + '\n\n', 1)[1].split('\n\n')[0].splitlines()
    cells = [[cell.strip() for cell in row[1:-1].split('|')] for row in lines]
    return {row[0]: dict(zip(cells[0], row)) for row in cells[2:]}


def test_photos_as_pictures_and_pictures_of_the_painting_alone(tmp_path, untouched, paintings, photo_folder):
    # The painting as each photo's picture has the painting's own statistics: style loss 0, seen as its style.
    painted = tmp_path / 'painted'
    (painted / 'waves').mkdir(parents=True)
    for name in PHOTOS:
        shutil.copy(paintings[0], str(painted / 'waves' / (name + '.png')))
    output = tmp_path / 'tables' / 'measured.csv'
    result = running.script(*command([untouched, painted], paintings, photo_folder, '--output', output))
    assert result.returncode == 0, result.stderr
    rows = rows_of(output)
    assert set(rows) == {(str(untouched), 'waves'), (str(untouched), 'tiles'), (str(painted), 'waves')}
    for style in ('waves', 'tiles'):
        row = rows[str(untouched), style]
        assert float(row['SSIM']) == 1 and float(row['content loss']) == 0 and float(row['style loss']) > 0.05
        assert row['patterns'] == row['patterns in photo']
    row = rows[str(painted), 'waves']
    assert float(row['style loss']) < 1e-3 and float(row['content loss']) > 0.1 and float(row['SSIM']) < 0.5
    assert row['recognised'] == '1' and row['textureless'] == row['textureless in painting']
    assert result.stdout.startswith('3 photos; the judge knows 2 paintings\n')
    everything = table_after(result.stdout, '\ntiles, waves:')
    assert set(everything) == {str(untouched)} and everything[str(untouched)]['styles'] == '2'
    assert float(everything[str(untouched)]['style loss']) == pytest.approx(np.mean(
        [float(rows[str(untouched), style]['style loss']) for style in ('waves', 'tiles')]), abs=2e-4)
    common = table_after(result.stdout, '\nwaves:')
    assert list(common) == [str(untouched), str(painted)] and common[str(painted)]['accuracy'] == '1'
    assert common[str(untouched)]['style loss'] == rows[str(untouched), 'waves']['style loss']


def test_a_network_s_pictures_have_the_measures_of_its_card(tmp_path, tiny_model, paintings, photo_folder):
    model, stylizer = str(tmp_path / 'tiny.pb'), Stylizer(tiny_model)
    shutil.copy(tiny_model, model)
    for style in stylizer.styles:
        (tmp_path / 'pictures' / style).mkdir(parents=True)
        for name in PHOTOS:
            photo = images.read(os.path.join(photo_folder, name + '.jpg'))
            images.write(str(tmp_path / 'pictures' / style / (name + '.png')),
                         stylizer.stylize(photo, stylizer.style_weights(style)))
    results = running.many([
        ['evaluate.py', 'card', '--model', model, '--photos', '3'] + command([], paintings, photo_folder)[2:],
        command([tmp_path / 'pictures'], paintings, photo_folder, '--style_size', '64', '--output',
                str(tmp_path / 'measured.csv'))])
    assert [result.returncode for result in results] == [0, 0], [result.stderr for result in results]
    with open(str(tmp_path / 'tiny.json')) as file:
        card = json.load(file)
    rows = rows_of(tmp_path / 'measured.csv')
    for style in card['styles']:
        row = rows[str(tmp_path / 'pictures'), style['name']]
        for column, value in (('content loss', style['losses']['content']), ('SSIM', style['ssim']),
                              ('style loss', style['losses']['style']), ('unevenness', style['unevenness']),
                              ('recognised', style['recognised']),
                              ('patterns in painting', style['pixel_patterns']['painting'])):
            assert float(row[column]) == pytest.approx(value, rel=0.01, abs=2e-3)  # of rounding to 8 bits
    shown = table_after(results[1].stdout, '\ntiles, waves:')[str(tmp_path / 'pictures')]
    for name, score in card['recognition'].items():
        # Rounding to 8 bits may change the order of one of the 18 pairs that the area counts.
        assert float(shown[name]) == pytest.approx(score, abs=0.06 if name == 'auc' else 1e-3)


@pytest.mark.parametrize('found, sets', [
    (['ab', 'ab'], ['ab']), (['a', 'abc', 'ab'], ['abc', 'ab', 'a']), (['ab', 'bc'], ['ab', 'bc', 'b']),
    (['a', 'b'], ['a', 'b'])])
def test_folders_are_compared_on_the_styles_of_each_and_on_those_of_all(found, sets):
    assert pictures.style_sets(found) == [frozenset(styles) for styles in sets]


def test_means_leave_out_what_was_not_measured():
    row = dict.fromkeys(pictures.COLUMNS, 0.5)
    rows = {'a': [dict(row, style='wave', patterns=None), dict(row, style='udnie', SSIM=0.7)],
            'b': [dict(row, style='wave', patterns=None)]}
    seen = np.array([[0.8, 0.1, 0.1]])
    chances = {folder: {item['style']: seen for item in rows[folder]} for folder in rows}
    judge = Judge(None, None, ['wave', 'udnie', 'photo'])
    both = table_after('\n\n' + pictures.means_table(rows, chances, judge, {'wave', 'udnie'}), '')
    assert set(both) == {'a'} and both['a']['patterns'] == '0.5' and both['a']['SSIM'] == '0.6'
    assert both['a']['accuracy'] == '0.5'
    one = table_after('\n\n' + pictures.means_table(rows, chances, judge, {'wave'}), '')
    assert one['b']['patterns'] == '' and one['b']['accuracy'] == '1' and one['b']['auc'] == ''


def spoil_painting(folder, photo_folder):
    shutil.move(str(folder / 'waves'), str(folder / 'mr. smith'))
    return 'mr. smith: there is no painting called mr. smith in --styles'


def spoil_photo(folder, photo_folder):
    shutil.copy(str(folder / 'waves' / '00.png'), str(folder / 'waves' / 'holiday.png'))
    return 'waves/holiday.png: there is no photo called holiday in --test_images'


def spoil_evenness(folder, photo_folder):
    os.remove(str(folder / 'tiles' / '01.png'))
    return 'tiles: the photo 01 is missing, which '


def spoil_names(folder, photo_folder):
    shutil.copy(str(folder / 'waves' / '00.png'), str(folder / 'waves' / '00.jpeg'))
    return 'have one name; rename or remove one'


def empty_style(folder, photo_folder):
    shutil.rmtree(str(folder / 'waves'))
    (folder / 'waves').mkdir()
    return 'waves: no pictures here'


def empty(folder, photo_folder):
    for style in ('waves', 'tiles'):
        shutil.rmtree(str(folder / style))
    return 'holds no folder of a style; a picture is '


def gone(folder, photo_folder):
    shutil.rmtree(str(folder))
    return 'cannot be searched (No such file or directory)'


@pytest.mark.parametrize('spoil', [spoil_painting, spoil_photo, spoil_evenness, spoil_names, empty_style,
                                   empty, gone])
def test_what_does_not_match_is_one_line_before_a_loss_network_is_opened(untouched, paintings, photo_folder,
                                                                        spoil):
    says = spoil(untouched, photo_folder)
    with pytest.raises(UserError) as error:
        pictures.measure_pictures([str(untouched)], paintings, photo_folder, 'no_such_file.h5')
    assert says in str(error.value) and '\n' not in str(error.value)


def test_mistakes_end_with_status_2_and_one_line(tmp_path, untouched, paintings, photo_folder):
    (tmp_path / 'empty').mkdir()
    shutil.move(str(untouched / 'tiles'), str(untouched / 'udnie'))
    results = running.many([command([], paintings, photo_folder),
                            command([tmp_path / 'empty'], paintings, photo_folder),
                            command([untouched], paintings, photo_folder),
                            command([untouched], paintings, photo_folder, '--output', 'a.json')])
    for result, says in zip(results, (
            '--pictures is missing', 'holds no folder of a style', 'there is no painting called udnie',
            '--output a.json: the table is a .csv')):
        assert result.returncode == 2 and says in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1


def test_the_instruments_are_closed_when_measuring_fails(paintings, photo_folder, face):
    known = {'waves': images.read(paintings[0])}
    with pytest.raises(ZeroDivisionError):
        with quality.open_instruments(known, [face[:64, :64]], 'random', crops=2) as instruments:
            raise ZeroDivisionError
    with pytest.raises(RuntimeError, match='closed'):
        instruments.meter.look_at(face[:64, :64])
    with pytest.raises(RuntimeError, match='closed'):
        instruments.judge.reader.statistics([face[:64, :64]])
