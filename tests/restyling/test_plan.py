"""Where each result goes: never onto a picture, never twice, nothing left out without a word."""

import os
import subprocess
import sys

import networks
import numpy as np
import pytest
import running

from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling import batch


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(*names):
    for name in names:
        os.makedirs(os.path.dirname(name) or '.', exist_ok=True)
        with open(name, 'wb') as file:
            file.write(images.encode(np.zeros([2, 3, 3], np.uint8), 'PNG'))


def planned(source, output):
    return sorted(job.target for job in batch.plan(source, output).jobs)


def test_of_two_pictures_of_one_name_neither_is_lost_and_no_other_is_stopped(here):
    put('d/a.gif', 'd/a.png', 'd/b.jpg', 'd/sub/a.gif')
    plan = batch.plan('d', 'out')
    assert dict(plan.jobs) == {'d/a.gif': 'out/a.gif.png', 'd/a.png': 'out/a.png', 'd/b.jpg': 'out/b.jpg',
                               'd/sub/a.gif': 'out/sub/a.png'}
    assert plan.notes == ['d/a.gif goes to out/a.gif.png, as d/a.png has the other name']
    put('d/a.gif.png')  # now no name is left for a.gif
    plan = batch.plan('d', 'out')
    assert [job.source for job in plan.jobs] == ['d/a.gif.png', 'd/a.png', 'd/b.jpg', 'd/sub/a.gif']
    assert [reason for _, reason in plan.failed] == [
        'd/a.png and d/a.gif would both become out/a.png; rename one']


def test_two_folders_of_results_that_are_one_by_a_link_are_seen_as_one(here):
    put('d/x/a.png', 'd/y/a.png')
    os.makedirs('out/x')
    os.symlink('x', 'out/y')
    plan = batch.plan('d', 'out')
    assert [job.source for job in plan.jobs] == ['d/x/a.png'] and len(plan.failed) == 1


@pytest.mark.parametrize('source, output', [
    ('d/a.png', 'd/a.png'), ('d/a.png', 'd'), ('d', 'd'), ('d', './d/'), ('d', 'd/sub/..'), ('d/*.png', 'd'),
    ('d/**/*.png', 'd'), ('d/a.png', '{here}/d/a.png'), ('link/a.png', 'd/a.png'), ('d', 'link'),
    ('d/a.png', 'soft.png'), ('d/a.png', 'hard.png'), ('soft.png', 'd/a.png'), ('d/**', 'crossed')])
def test_a_result_never_takes_the_place_of_a_picture(here, source, output):
    put('d/a.png', 'd/sub/b.png')
    os.makedirs('crossed')
    os.symlink('d', 'link')
    os.symlink('d/a.png', 'soft.png')
    os.link('d/a.png', 'hard.png')
    os.symlink('../d/sub/b.png', 'crossed/a.png')  # the result of one is the source of another
    with pytest.raises(UserError) as caught:
        batch.plan(source, output.format(here=here))
    assert str(caught.value).startswith('--output ') and '\n' not in str(caught.value)
    assert 'place of' in str(caught.value) or 'the pictures themselves' in str(caught.value)


def test_the_painting_of_naas_is_not_replaced_either(here):
    put('a.png', 'painting.png')
    with pytest.raises(UserError, match='would take the place of painting.png'):
        batch.plan('a.png', './painting.png', others=['painting.png'])
    assert batch.plan('a.png', 'new.png', others=['painting.png', '']).jobs


@pytest.mark.parametrize('source', ['d', './d/', 'd/**/*.png', '{here}/d/**', 'd/../d/**/*.png', 'd/*/*.png'])
@pytest.mark.parametrize('output', ['d/out', '{here}/d/out/', './d/out', 'd/sub/../out'])
@pytest.mark.parametrize('linked', [False, True])
def test_results_are_not_restyled_once_more(here, source, output, linked):
    put('d/sub/a.png', 'elsewhere/sub/a.png', 'd/b.png')
    if linked:
        os.symlink('../elsewhere', 'd/out')
    source, output = source.format(here=here), output.format(here=here)
    first = planned(source, output)
    for target in first:
        put(target)
    put(os.path.join(output, 'old.png'))
    assert planned(source, output) == first
    assert not [name for name in first if 'out/out' in name]


def test_a_folder_inside_the_one_of_results_is_no_result(here):
    put('d/raw/a.png')
    assert planned('d/raw', 'd') == ['d/a.png'] == planned('d/raw/*.png', 'd')
    put('d/out/a.png')
    with pytest.raises(UserError, match='the only pictures here are results'):
        batch.plan('d/o*/*.png', 'd/out')


@pytest.mark.parametrize('output', ['out.jgp', 'out.heic', 'out.v2', 'sub/out.JGP', 'out.'])
def test_an_ending_that_no_format_has_is_an_error_and_no_folder(here, output):
    put('a.png')
    with pytest.raises(UserError, match='--output .*no picture format ends in .*.png.*for a folder'):
        batch.plan('a.png', output)
    assert planned('a.png', output + '/') == [output + '/a.png']
    os.makedirs(output)
    assert planned('a.png', output) == [os.path.join(output, 'a.png')]


def test_a_folder_of_pictures_may_go_to_a_folder_of_any_name_but_not_to_a_file(here):
    put('d/a.png', 'd/b.png', 'there.png')
    assert planned('d', 'results.v2') == ['results.v2/a.png', 'results.v2/b.png']
    for output, words in (('x.png', '2 pictures need a folder'), ('there.png', 'is no folder')):
        with pytest.raises(UserError, match=words):
            batch.plan('d', output)
    put('notes')
    with pytest.raises(UserError, match='--output notes: is there, and is no folder'):
        batch.plan('there.png', 'notes')


def test_what_is_left_out_is_told(here):
    put('d/a.png', 'd/b.HEIC', 'd/c.avif', 'd/sub/d.heic', 'd/notes.txt', 'more/e.png', 'd/.x.heic')
    os.symlink('../more', 'd/more')
    for source in ('d', 'd/**'):
        plan = batch.plan(source, 'out')
        assert [job.source for job in plan.jobs] == ['d/a.png']
        assert plan.notes == [
            source + ': 3 pictures left out, no decoder here reads .avif .heic; save as JPEG or PNG',
            source + ': 1 linked folder left out, such as d/more; a link is followed where it is named '
            'itself']
    assert len(batch.plan('d/more', 'out').jobs) == len(batch.plan('d/m*/*.png', 'out').jobs) == 1
    with pytest.raises(UserError, match='no pictures here .* 2 pictures left out, .* .avif .heic'):
        batch.plan('d/*.[Ha]*', 'out')


# Root reads everything; without these two capabilities it is like anybody else.
PLAIN = ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--inh-caps=-all']


def as_nobody_special(command):
    if os.getuid():
        return command
    try:
        subprocess.run(PLAIN + ['true'], check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip('root without setpriv reads every folder')
    return PLAIN + command


@pytest.fixture
def locked(here):
    put('d/a.png', 'd/locked/b.png')
    os.chmod('d/locked', 0)
    yield 'd/locked'
    os.chmod('d/locked', 0o755)


def test_a_folder_that_cannot_be_read_is_named(locked):
    sources = ['d', 'd/**/*.png', 'd/**', 'd/*/*.png', 'd/*/b.png', 'd/locked', 'd/locked/b.png',
               'd/locked/*', 'd/l*/b.png']
    program = ('import sys; from resnet_in_tf.restyling import batch\n'
               'from resnet_in_tf.errors import UserError\n'
               'for source in sys.argv[1:]:\n'
               '    try: print(*[reason for _, reason in batch.plan(source, "out").failed])\n'
               '    except UserError as error: print(error)')
    done = subprocess.run(as_nobody_special([sys.executable, '-c', program] + sources),
                          stdout=subprocess.PIPE, env=dict(os.environ, PYTHONPATH=running.ROOT),
                          universal_newlines=True, timeout=60)
    lines = done.stdout.splitlines()
    assert len(lines) == len(sources)
    for source, line in zip(sources, lines):
        assert 'd/locked' in line and 'cannot be searched (Permission denied)' in line, source


def test_the_script_does_the_rest_and_says_so_by_its_status(locked, tmp_path):
    model = networks.write_random(tmp_path / 'net.pb')
    done = subprocess.run(
        as_nobody_special(running.argv('stylize.py', '--model', model, '--input', 'd', '--output', 'out')),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=running.TIMEOUT)
    assert done.returncode == 1 and done.stdout == '1 done, 0 skipped, 1 failed\n', done.stderr
    assert done.stderr == 'failed: d/locked: cannot be searched (Permission denied)\n'


def test_patterns_find_what_lies_under_folders_with_brackets(here):
    put('Spain [2019]/a.png', 'Spain [2019]/sub/b.png', 'x[ab]/c.png', 'xa/d.png', 'e[1].png', 'e1.png')
    for source, found in (('Spain [2019]/*.png', ['out/a.png']),
                          ('Spain [2019]/**/*.png', ['out/a.png', 'out/sub/b.png']),
                          (os.path.join(str(here), 'Spain [2019]', '*'), ['out/a.png']),
                          ('*/sub/*', ['out/Spain [2019]/sub/b.png']), ('x[ab]/*', ['out/c.png']),
                          ('x[a]/*', ['out/xa/d.png']), ('e[1].png', ['out/e[1].png']),
                          ('e[0-9].png', ['out/e1.png'])):
        assert planned(source, 'out') == found, source
