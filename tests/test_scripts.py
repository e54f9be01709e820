"""The scripts as a newcomer runs them: mistakes are one line, work that can be done is done."""

import csv
import os
import shutil

import numpy as np
import pytest
import running

from resnet_in_tf.pictures import images

# What a person gets wrong, the flags for it, and what the line must say. {} is filled from PLACES.
MISTAKES = {
    'train.py': [
        ('nothing', [], '--style is missing, see --help'),
        ('no photos', ['--style={painting}'], '--coco_images is missing'),
        ('no model_dir', ['--style={painting}', '--coco_images={photos}'], '--model_dir is missing'),
        ('no painting', ['{run}', '--style={tmp}/nothing.jpg'], '{tmp}/nothing.jpg: no such file'),
        ('a text as painting', ['{run}', '--style={text}'], '{text}: not a picture in a known format'),
        ('a folder as painting', ['{run}', '--style={photos}'], '{photos}: is a folder, not a picture'),
        ('the same painting twice', ['{run}', '--style={painting}', '--style={painting}'],
         "two paintings are called 'waves'; rename one file"),
        ('no folder of photos', ['--style={painting}', '--coco_images={tmp}/none', '--model_dir={tmp}/m'],
         '--coco_images {tmp}/none: no such folder'),
        ('a file as folder of photos', ['--style={painting}', '--coco_images={text}', '--model_dir={tmp}/m'],
         '--coco_images {text}: no such folder'),
        ('a folder without photos', ['--style={painting}', '--coco_images={empty}', '--model_dir={tmp}/m'],
         '{empty}: no pictures here'),
        ('no annotations', ['{run}', '--style={painting}', '--coco_annotations={tmp}/none.json'],
         '--coco_annotations {tmp}/none.json: not a COCO annotation file'),
        ('annotations of another kind', ['{run}', '--style={painting}', '--coco_annotations={text}'],
         '--coco_annotations {text}: not a COCO annotation file'),
        ('model_dir is a file', ['--style={painting}', '--coco_images={photos}', '--model_dir={text}'],
         '--model_dir {text}: cannot make the folder (File exists); give another'),
        ('a layer nobody knows', ['{run}', '--style={painting}', '--style_layers=relu1_1,relu9_9'],
         "VGG-19 has no layer 'relu9_9'; it has: input, "),
        ('a layer that hed lacks, before it is fetched',
         ['{run}', '--style={painting}', '--vgg_weights=hed', '--style_layers=relu1_1,relu3_4'],
         "--vgg_weights hed: VGG-16 has no layer 'relu3_4'; it has: input, "),
        ('a system nobody knows', ['{run}', '--style={painting}', '--system=gan'],
         '--system gan: there are: cnn, cnn_bn, fnst'),
        ('a loss network that is not there', ['{run}', '--style={painting}', '--vgg_weights={tmp}/vgg.h5'],
         '{tmp}/vgg.h5'),
        ('a loss network that is none', ['{run}', '--style={painting}', '--vgg_weights={text}'], '{text}'),
        ('no number as seed of filters', ['{run}', '--style={painting}', '--vgg_weights=random:x'],
         '--vgg_weights random:x: the seed must be a whole number'),
        ('a seed too large', ['{run}', '--style={painting}', '--seed=99999999999'], '--seed 99999999999'),
        ('a seed of filters too large', ['{run}', '--style={painting}', '--vgg_weights=random:99999999999'],
         '--vgg_weights random:99999999999'),
        ('a batch of none', ['{run}', '--style={painting}', '--batch_size=0'], '--batch_size 0'),
        ('a word for a number', ['{run}', '--style={painting}', '--train_steps=many'],
         '--train_steps=many'),
        ('paintings without flag', ['{run}', '--style', '{painting}', '{painting}'],
         'arguments are given as flags'),
        ('a damaged record', ['--style={painting}', '--coco_images={photos}', '--model_dir={damaged}'],
         '{damaged}/run.json: the run record is damaged'),
    ],
    'freeze_graph.py': [
        ('nothing', [], 'is missing, see --help'),
        ('no output', ['--model_dir={model_dir}'], '--output is missing'),
        ('no run', ['--model_dir={tmp}/none', '--output={tmp}/a.pb'],
         '--model_dir {tmp}/none: no run is there (run.json is missing); train.py makes one'),
        ('a file as run', ['--model_dir={text}', '--output={tmp}/a.pb'], '--model_dir {text}: no run'),
        ('a damaged record', ['--model_dir={damaged}', '--output={tmp}/a.pb'],
         '{damaged}/run.json: the run record is damaged'),
        ('a folder as output', ['--model_dir={model_dir}', '--output={empty}'],
         '{empty}: cannot be written (Is a directory)'),
    ],
    'style_row.py': [
        ('nothing', [], '--style_image is missing, see --help'),
        ('no name', ['--style_image={painting}', '--model={model}', '--output={tmp}/a.pb'],
         '--name is missing'),
        ('no such model', ['--model={tmp}/none.pb', '{row}'], '--model {tmp}/none.pb: No such file'),
        ('a text as model', ['--model={text}', '{row}'],
         '--model {text}: not a TensorFlow graph; freeze_graph.py writes one'),
        ('a network that takes no picture', ['--model={model}', '{row}'],
         '--model {model}: makes no style from a picture; train.py --styles_dir trains one'),
        ('the network itself as output', ['--style_image={painting}', '--name=mine', '--model={model}',
                                          '--output={model}'], '--output {model}: is there already'),
        ('no photos', ['--model={model}', '{row}', '--refine=3'], '--photos is missing'),
        ('photos that are not there', ['--model={model}', '{row}', '--refine=3', '--photos={tmp}/none'],
         '{tmp}/none: no such file or folder'),
    ],
    'stylize.py': [
        ('nothing', [], '--input is missing, see --help'),
        ('a folder without a place', ['--model={model}', '--input={photos}'],
         '--output is missing: name a folder for the results of {photos}, 12 of them'),
        ('a place without a file', ['--model={model}', '--input={tmp}/none.jpg'],
         '{tmp}/none.jpg: no such file or folder'),
        ('many pictures into a pipe', ['--model={model}', '--input={photos}', '--output=-'],
         '--output -: 12 pictures need a folder, not a file'),
        ('a picture from a pipe into a folder', ['--model={model}', '--input=-', '--output={empty}'],
         '--input -: a picture from a pipe has no name; --output is -, or a file that ends in '),
        ('a document and a picture in one pipe',
         ['--model={model}', '--input={photo}', '--output=-', '--json'],
         '--json and --output - both want standard output'),
        ('a format for a file', ['--model={model}', '--format=png', '{job}'], '--format is for --output -'),
        ('no such model', ['--model={tmp}/none.pb', '{job}'], '--model {tmp}/none.pb: No such file'),
        ('a text as model', ['--model={text}', '{job}'],
         '--model {text}: not a TensorFlow graph; freeze_graph.py writes one'),
        ('a checkpoint as model', ['--model={model_dir}', '{job}'], '--model {model_dir}: Is a directory'),
        ('no input', ['--model={model}', '--input={tmp}/none.jpg', '--output={tmp}/o.jpg'],
         '{tmp}/none.jpg: no such file or folder'),
        ('a folder without pictures', ['--model={model}', '--input={empty}', '--output={tmp}/o'],
         '{empty}: no pictures here'),
        ('a pattern that fits nothing', ['--model={model}', '--input={photos}/*.gif', '--output={tmp}/o'],
         '{photos}/*.gif: no pictures here'),
        ('many pictures into a file', ['--model={model}', '--input={photos}', '--output={tmp}/o.jpg'],
         '--output {tmp}/o.jpg: 12 pictures need a folder, not a file'),
        ('a style nobody knows', ['--model={model}', '--style=monet', '{job}'],
         "--style monet: this network has no style 'monet'; it has 1 waves, 2 tiles"),
        ('a number too high', ['--model={model}', '--style=3', '{job}'], "no style '3'; it has 1 waves"),
        ('a weight that is none', ['--model={model}', '--style=waves:much', '{job}'],
         'the weight of waves must be a number'),
        ('too strong', ['--model={model}', '--strength=1.5', '{job}'],
         '--strength 1.5 is not between 0 and 1'),
        ('quality out of range', ['--model={model}', '--quality=101', '{job}'], '--quality=101'),
        ('a flag nobody knows', ['--model={model}', '--colour', '{job}'], "'colour'"),
        ('nothing to refine', ['--model={model}', '{job}', '--refine=3'],
         '--refine trains the row of a --style_image: name one'),
        ('no mask', ['--model={model}', '--mask={tmp}/none.png', '{job}'],
         '--mask {tmp}/none.png: no such file'),
        ('a text as mask', ['--model={model}', '--mask={text}', '{job}'],
         '--mask {text}: not a picture in a known format'),
        ('two masks for one style', ['--model={model}', '--mask={photo}', '--mask={photo}', '{job}'],
         '--mask: 2 masks name no style, and one may; write {photo}:wave'),
        ('a style without a mask', ['--model={model}', '--style=waves', '--mask={photo}:tiles', '{job}'],
         '--style waves: each --mask names a style of its own; that of the rest is --elsewhere'),
        ('a mask in a style nobody knows', ['--model={model}', '--mask={photo}:monet', '{job}'],
         "--mask monet: this network has no style 'monet'"),
        ('elsewhere in a style nobody knows',
         ['--model={model}', '--mask={photo}', '--elsewhere=monet', '{job}'],
         "--elsewhere monet: this network has no style 'monet'"),
        ('elsewhere of nothing', ['--model={model}', '--elsewhere=tiles', '{job}'],
         '--elsewhere tiles: is the style outside of a --mask; name one'),
        ('a mask for naas', ['--system=naas', '--style_image={photo}', '--mask={photo}', '{job}'],
         '--mask and --elsewhere are not for --system naas'),
    ],
}


@pytest.fixture(scope='module')
def places(tmp_path_factory, photo_folder, paintings, tiny_run, tiny_model):
    """The words in braces of MISTAKES."""
    tmp = tmp_path_factory.mktemp('places')
    (tmp / 'text.jpg').write_text('These are words.\n' * 50)
    (tmp / 'empty').mkdir()
    (tmp / 'damaged').mkdir()
    (tmp / 'damaged' / 'run.json').write_text('{"config": {"batch_size"')
    photo = os.path.join(photo_folder, '00.jpg')
    return {'tmp': str(tmp), 'text': str(tmp / 'text.jpg'), 'empty': str(tmp / 'empty'),
            'damaged': str(tmp / 'damaged'), 'photos': photo_folder, 'photo': photo,
            'painting': paintings[0], 'model_dir': tiny_run.model_dir, 'model': tiny_model,
            'run': ['--coco_images=' + photo_folder, '--model_dir=%s/never' % tmp,
                    '--vgg_weights=random'],
            'row': ['--style_image=' + paintings[0], '--name=mine', '--output=%s/a.pb' % tmp],
            'job': ['--input=' + photo, '--output=%s/o.jpg' % tmp]}


@pytest.fixture(scope='module')
def mistakes(places):
    """What every command of MISTAKES did: {(script, name): Result}."""
    commands = {}
    for script, cases in MISTAKES.items():
        for name, flags, _ in cases:
            commands[script, name] = [script]
            for flag in flags:
                many = places.get(flag.strip('{}'))
                commands[script, name] += many if isinstance(many, list) else [flag.format(**places)]
    return dict(zip(commands, running.many(commands.values())))


@pytest.mark.parametrize('script, name, words', [
    (script, name, words) for script in sorted(MISTAKES) for name, _, words in MISTAKES[script]])
def test_a_mistake_is_one_line_that_names_it_and_exit_status_2(mistakes, places, script, name, words):
    result = mistakes[script, name]
    assert result.returncode == 2, result
    assert result.stderr.startswith('error: ') and result.stderr.count('\n') == 1, result.stderr
    assert words.format(**places) in result.stderr and result.stdout == ''


def test_a_mistake_leaves_nothing_behind(mistakes, places):
    assert sorted(os.listdir(places['tmp'])) in (['damaged', 'empty', 'text.jpg'],
                                                 ['damaged', 'empty', 'never', 'text.jpg'])
    assert os.listdir(places['empty']) == []


def test_help_of_every_script_is_no_failure():
    for script in sorted(MISTAKES):
        result = running.script(script, '--help')
        assert result.returncode == 0 and result.stderr == ''
        assert '\n  --' in result.stdout and 'flags:' in result.stdout


# stylize.py at work.

@pytest.fixture(scope='module')
def stylized(tmp_path_factory, tiny_model, photo_folder):
    """A folder with sub-folders through stylize.py four times, and single pictures."""
    tmp = tmp_path_factory.mktemp('stylized')
    source = tmp / 'in'
    (source / 'sub' / 'deep').mkdir(parents=True)
    for name, target in (('00.jpg', 'a.jpg'), ('01.jpg', 'sub/b.JPG'), ('02.jpg', 'sub/deep/c d.jpg')):
        shutil.copy(os.path.join(photo_folder, name), str(source / target))
    images.write(str(source / 'sub' / 'small.png'), np.full([2, 3, 3], 200, np.uint8))
    (source / 'notes.txt').write_text('not a picture by its name')
    broken = tmp / 'broken'
    shutil.copytree(str(source), str(broken))
    (broken / 'bad.jpg').write_bytes(b'no picture')
    (broken / 'sub' / 'none.png').write_bytes(b'')
    one = os.path.join(photo_folder, '00.jpg')
    base = ['stylize.py', '--model', tiny_model]
    folder = base + ['--input', source, '--output', tmp / 'out']
    results = running.many([
        folder, folder, folder + ['--overwrite', '--style=tiles'],
        base + ['--input', broken, '--output', tmp / 'rest'],
        base + ['--input', one, '--output', tmp / 'zero.png', '--strength=0'],
        base + ['--input', one, '--output', tmp / 'one.png'],
        base + ['--input', one, '--output', tmp / 'colour.png', '--preserve_color'],
        base + ['--input', one, '--output', tmp / 'mix.png', '--style=waves:1,2:3', '--strength=.5'],
        base + ['--input', os.path.join(photo_folder, '0[0-3].jpg'), '--output', tmp / 'pattern']])
    names = ('first', 'again', 'overwrite', 'rest', 'zero', 'one', 'colour', 'mix', 'pattern')
    return str(tmp), dict(zip(names, results)), one


def tree(folder):
    return sorted(os.path.relpath(os.path.join(path, name), folder)
                  for path, _, names in os.walk(folder) for name in names)


def test_sub_folders_names_and_sizes_are_kept(stylized):
    tmp, results, _ = stylized
    assert results['first'].returncode == 0 and results['first'].stderr == ''
    assert results['first'].stdout == '4 done, 0 skipped, 0 failed\n'
    names = tree(os.path.join(tmp, 'out'))
    assert names == ['a.jpg', 'sub/b.JPG', 'sub/deep/c d.jpg', 'sub/small.png']
    for name in names:
        before, after = [images.read(os.path.join(tmp, folder, name)) for folder in ('in', 'out')]
        assert before.shape == after.shape and abs(before.astype(int) - after).max() > 10


def test_what_exists_is_skipped_or_made_again(stylized):
    _, results, _ = stylized
    assert results['again'].returncode == 0
    assert results['again'].stdout == '0 done, 4 skipped, 0 failed\n'
    assert results['overwrite'].stdout == '4 done, 0 skipped, 0 failed\n'


def test_pictures_that_fail_are_named_at_the_end_and_the_rest_is_done(stylized):
    tmp, results, _ = stylized
    assert results['rest'].returncode == 1
    assert results['rest'].stdout == '4 done, 0 skipped, 2 failed\n'
    lines = results['rest'].stderr.splitlines()
    assert len(lines) == 2 and all(line.startswith('failed: ') for line in lines)
    for name, reason in (('bad.jpg', 'not a picture'), ('sub/none.png', 'the file is empty')):
        assert any(os.path.join(tmp, 'broken', name) in line and reason in line for line in lines)
    assert tree(os.path.join(tmp, 'rest')) == tree(os.path.join(tmp, 'out'))


def test_strength_mixes_and_patterns(stylized):
    tmp, results, one = stylized
    assert all(results[name].returncode == 0 for name in ('zero', 'one', 'mix', 'pattern'))
    photo = images.read(one).astype(int)
    assert (images.read(os.path.join(tmp, 'zero.png')) == photo).all()
    full, mixed = [images.read(os.path.join(tmp, name + '.png')).astype(int) for name in ('one', 'mix')]
    assert abs(full - photo).mean() > 5 and abs(mixed - full).mean() > 5
    assert tree(os.path.join(tmp, 'pattern')) == ['00.jpg', '01.jpg', '02.jpg', '03.jpg']


def test_preserve_color_keeps_the_photos_colours_and_paints_its_luminance(stylized):
    tmp, results, one = stylized
    assert results['colour'].returncode == 0
    photo, plain, kept = [images.read(path).astype(float) for path in (
        one, os.path.join(tmp, 'one.png'), os.path.join(tmp, 'colour.png'))]
    luma = [picture @ [.299, .587, .114] for picture in (photo, plain, kept)]
    chroma = [(picture - light[:, :, None])[:, :, ::2] for picture, light in
              zip((photo, plain, kept), luma)]
    inside = (kept.min(axis=2) > 0) & (kept.max(axis=2) < 255)  # clipping aside
    assert inside.mean() > .2
    assert abs(chroma[2] - chroma[0])[inside].max() < 3 < abs(chroma[1] - chroma[0])[inside].max()
    assert abs(luma[2] - luma[1])[inside].max() < 3


def test_hard_pictures_go_through_the_script_as_expected(tmp_path, shared_data, tiny_model):
    hard = os.path.join(shared_data, 'hard_images')
    with open(os.path.join(hard, 'EXPECTED.csv'), newline='', encoding='utf-8') as file:
        expected = list(csv.DictReader(file))
    assert len(expected) == 42
    result = running.script('stylize.py', '--model', tiny_model, '--input', hard, '--output', tmp_path)
    made = os.listdir(str(tmp_path))
    for row in expected:
        name = row['file'].replace('.gif', '.png')
        if row['status'] == 'valid':
            assert images.check(str(tmp_path / name)) == (int(row['width']), int(row['height']))
        elif not row['note'].startswith('either:'):
            assert name not in made
            assert os.path.join(hard, row['file']) in result.stderr
    assert result.returncode == 1 and 'Traceback' not in result.stderr
    assert result.stdout.startswith('%d done, 0 skipped, %d failed' % (
        len(made), result.stderr.count('failed: ')))
    assert len(made) in (33, 34)


@pytest.mark.slow
def test_a_network_of_one_lane_runs_under_the_other(tmp_path, tiny_model, photo_folder, paintings):
    """RESNET_OTHER_PYTHON: an interpreter with the package's other TensorFlow (1.15 or 2.15)."""
    other = os.environ.get('RESNET_OTHER_PYTHON')
    if not other:
        pytest.skip('RESNET_OTHER_PYTHON does not name an interpreter of the other lane '
                    '(TensorFlow 2.15 where this is 1.15, or the other way round)')
    photo = os.path.join(photo_folder, '00.jpg')
    there = str(tmp_path / 'there')
    training = running.tiny_training(paintings[:1], photo_folder, there, train_steps=6)
    steps = [  # (interpreter, command): train and freeze there, run each network in both lanes
        (other, ['train.py'] + training),
        (other, ['freeze_graph.py', '--model_dir', there, '--output', tmp_path / 'there.pb'])]
    for place, python in (('here', running.sys.executable), ('there', other)):
        for name, model in (('mine', tiny_model), ('theirs', tmp_path / 'there.pb')):
            steps.append((python, ['stylize.py', '--model', model, '--input', photo, '--output',
                                   tmp_path / ('%s_%s.png' % (name, place))]))
    for python, command in steps:
        result = running.script(*command, python=python)
        assert result.returncode == 0, result.stderr
    for name in ('mine', 'theirs'):
        here, there = [images.read(str(tmp_path / ('%s_%s.png' % (name, place)))).astype(int)
                       for place in ('here', 'there')]
        assert abs(here - there).max() <= 2
