"""The README's tables of flags are those of the scripts, and so are defaults and limits told elsewhere."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
import running

from resnet_in_tf.perceptual.loss_defaults import LOSS_DEFAULTS
from resnet_in_tf.pictures import images
from resnet_in_tf.server import connection, forms, listening, parameters
from resnet_in_tf.training import config

# Every flag of a script with its default; a setting of training has it in its table.
PROGRAM = """
import json, runpy, sys
from absl import flags
sys.path.insert(0, sys.argv[2])
script = sys.argv[1]
sys.argv = [script]
runpy.run_path(script, run_name='flags_alone')
own = flags.FLAGS.flags_by_module_dict()
print(json.dumps({flag.name: flag.default for key in ('flags_alone', script) for flag in own.get(key, ())}))
"""


def flags_of(script):
    path = os.path.join(running.ROOT, 'scripts', script)
    return json.loads(subprocess.check_output([sys.executable, '-c', PROGRAM, path, running.ROOT]).decode())


def table_of(script):
    """The README's table under a script's name: dict flag -> default as written."""
    with open(os.path.join(running.ROOT, 'README.md'), encoding='utf-8') as file:
        text = file.read()
    table = re.search(r'^`%s`\n\n(\|.*?)\n\n' % re.escape(script), text, re.M | re.S).group(1)
    found = {}
    for row in table.split('\n')[2:]:
        names, default = row.split('|')[1:3]
        names = re.findall(r'`--(\w+)', names)
        defaults = [each.strip(' `') for each in default.split(',')]
        found.update(zip(names, defaults if len(defaults) == len(names) else [default.strip()] * len(names)))
    return found


def examples(document):
    """The Python examples of a document: list of str."""
    with open(os.path.join(running.ROOT, document), encoding='utf-8') as file:
        return re.findall(r'^```python\n(.*?)^```$', file.read(), re.M | re.S)


@pytest.mark.parametrize('document, number, made', [
    ('README.md', 1, {'out.jpg', 'udnie.png', 'wave:0.7,udnie:0.3.png', '3.png'}),
    ('docs/python.md', 4, {'out.jpg', 'photos/a_painted.png', 'photos/b_painted.png'})])
def test_examples_in_python_run_as_they_stand(tmp_path, photo_folder, document, number, made):
    """All in one program, one after the other, so that TensorFlow is imported once."""
    found = examples(document)
    assert len(found) == number
    (tmp_path / 'photos').mkdir()
    for place, name in enumerate(('photo.jpg', 'photos/a.jpg', 'photos/b.jpg')):
        shutil.copy(os.path.join(photo_folder, '0%d.jpg' % place), str(tmp_path / name))
    process = subprocess.run([sys.executable, '-c', '\n'.join(found)], cwd=str(tmp_path),
                             timeout=running.TIMEOUT, env=dict(os.environ, PYTHONPATH=running.ROOT),
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    assert process.returncode == 0, process.stderr
    there = {os.path.relpath(os.path.join(folder, name), str(tmp_path))
             for folder, _, names in os.walk(str(tmp_path)) for name in names}
    assert there == made | {'photo.jpg', 'photos/a.jpg', 'photos/b.jpg'}
    for name in made:
        assert images.check(str(tmp_path / name)) == (140, 96)
    if document == 'docs/python.md':
        assert "no style 'monet'" in process.stdout and "'starry_night', 'wave'" in process.stdout


def as_written(value):
    """A default as the table has it."""
    if isinstance(value, bool):
        return 'on' if value else 'off'
    return '%g' % value if isinstance(value, (int, float)) else value


def test_every_flag_of_train_is_in_the_table_with_its_default():
    table, flags = table_of('train.py'), flags_of('train.py')
    assert set(flags) == set(table)
    for name, setting in config.BY_NAME.items():
        if setting.default is not None:
            assert table[name] == as_written(setting.default), name


@pytest.mark.parametrize('name, written', [
    ('strength', '1'), ('preserve_color', 'off'), ('overwrite', 'off'), ('quality', '95'),
    ('exact', 'off'), ('json', 'off'), ('engine', 'auto'), ('precision', 'float32'), ('impl', 'auto'),
    ('refine', '0')])
def test_defaults_of_stylize_are_those_of_the_table(name, written):
    assert table_of('stylize.py')[name] == written == as_written(flags_of('stylize.py')[name])


def test_every_flag_of_style_row_is_in_the_table_with_its_default():
    table, flags = table_of('style_row.py'), flags_of('style_row.py')
    assert set(flags) == set(table)
    for name in ('overwrite', 'refine', 'vgg_weights'):
        assert table[name] == as_written(flags[name]), name


def test_every_flag_of_stylize_is_named_in_its_table():
    with open(os.path.join(running.ROOT, 'README.md'), encoding='utf-8') as file:
        text = file.read()
    section = text[text.index('\n`stylize.py`\n'):text.index('\n`style_row.py`\n')]
    assert not [name for name in flags_of('stylize.py') if '`--%s' % name not in section]


def text_of(document):
    with open(os.path.join(running.ROOT, document), encoding='utf-8') as file:
        return file.read()


def test_what_follows_from_the_loss_network_is_told_as_it_is():
    hed, others = LOSS_DEFAULTS['hed'], LOSS_DEFAULTS['imagenet']
    told, weights = {'hed': [], 'others': []}, ('content_weight', 'style_weight', 'tv_weight')
    for kind, defaults in (('hed', hed), ('others', others), ('others', LOSS_DEFAULTS['random'])):
        told[kind] = ['%g' % getattr(defaults, name) for name in weights]
    assert others[2:] == LOSS_DEFAULTS['random'][2:]
    readme, training = text_of('README.md'), text_of('docs/training.md')
    assert '%s with `hed`, else %s |' % (', '.join(told['hed']), ', '.join(told['others'])) in readme
    assert '%d with `hed`, else %d |' % (hed.image_size, others.image_size) in readme
    for name in hed.content_layers + others.content_layers + LOSS_DEFAULTS['random'].content_layers:
        assert name in re.search(r'^\| `--content_layers`.*$', readme, re.M).group(0)
    assert '`hed` has %s, %s and %s,' % tuple(told['hed']) in training
    assert 'The weights %s, %s and %s are' % tuple(told['others']) in training


def test_flags_and_limits_of_the_server_are_told_as_they_are():
    text, flags = text_of('docs/server.md'), flags_of('serve.py')
    assert not [name for name in flags if '`--%s' % name not in text and ' --%s ' % name not in text]
    table = dict(re.findall(r'^\| `--(\w+)` \| ([^|]*) \|', text, re.M))
    assert len(table) > 8
    for name, default in table.items():
        assert default.strip('`') == ('' if flags[name] in (None, []) else as_written(flags[name])), name
    for words in ('a form %d parts' % forms.PARTS, 'more than %d parts' % forms.PARTS,
                  'may have {:,} characters'.format(parameters.LONGEST),
                  '%d kB' % (connection.HEAD_BYTES // 1024),
                  '| headers | %d s' % connection.HEAD_SECONDS,
                  '| between two requests | %d s' % connection.IDLE_SECONDS,
                  '| connections | %d' % listening.CONNECTIONS):
        assert words in text, words
