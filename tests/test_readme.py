"""The README's tables of flags are those of the scripts."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
import running

from resnet_in_tf.pictures import images
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
