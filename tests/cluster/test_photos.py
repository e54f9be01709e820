"""Photos on a cluster: the results of one machine, whatever dies on the way."""

import os
import re
import shutil
import signal

import on_ray
import pytest
from on_ray import content, stylize

from resnet_in_tf.pictures import images

# Python runs it when it starts: whoever opens that picture is killed.
POISON = """
import builtins, os, signal
opened = builtins.open
def watched(path, *args, **settings):
    if str(path).endswith('poison.png'):
        os.kill(os.getpid(), signal.SIGKILL)
    return opened(path, *args, **settings)
builtins.open = watched
"""


def test_two_nodes_make_what_one_machine_makes_and_skip_what_is_there(alone, network, nodes, tmp_path):
    source, results = alone
    two = nodes(2)
    flags = ['--model', network, '--cluster', 'auto', '--input', source, '--output', tmp_path / 'out']
    result = stylize(*flags, **two.environment)
    assert (result.returncode, result.stdout) == (0, '24 done, 0 skipped, 0 failed\n'), result.stderr
    assert content(tmp_path / 'out') == results
    os.remove(str(tmp_path / 'out' / '000.png'))
    with open(str(tmp_path / 'out' / '001.jpg'), 'w') as file:
        file.write('mine')
    result = stylize(*flags, **two.environment)
    assert (result.returncode, result.stdout) == (0, '1 done, 23 skipped, 0 failed\n'), result.stderr
    assert content(tmp_path / 'out') == dict(results, **{'001.jpg': b'mine'})


def test_a_node_that_dies_costs_no_picture(network, nodes, tmp_path):
    on_ray.write_photos(tmp_path / 'in', 24, side=400)
    result = stylize('--model', network, '--input', tmp_path / 'in', '--output', tmp_path / 'alone')
    assert result.returncode == 0, result.stderr
    two = nodes(2)
    process = on_ray.start('--model', network, '--cluster', 'auto', '--input', tmp_path / 'in',
                           '--output', tmp_path / 'out', **two.environment)
    on_ray.until(lambda: two.has_opened() and content(tmp_path / 'out'), process)
    two.kill()
    out, err = process.communicate(timeout=on_ray.SECONDS)
    assert (process.returncode, out) == (0, '24 done, 0 skipped, 0 failed\n'), err
    assert re.search('1 workers died', err)
    assert content(tmp_path / 'out') == content(tmp_path / 'alone')


def test_a_run_that_was_killed_goes_on(alone, network, ray, tmp_path):
    source, results = alone
    flags = ['--model', network, '--cluster', 'local:2', '--input', source, '--output', tmp_path / 'out']
    process = on_ray.start(*flags)
    on_ray.until(lambda: content(tmp_path / 'out'), process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    result = stylize(*flags)
    done, skipped = map(int, re.match(r'(\d+) done, (\d+) skipped, 0 failed\n$', result.stdout).groups())
    assert result.returncode == 0 and done + skipped == 24 and skipped
    assert content(tmp_path / 'out') == results


def test_a_picture_that_kills_two_workers_is_left_out(alone, network, ray, tmp_path):
    source, results = alone
    shutil.copytree(source, str(tmp_path / 'in'))
    images.write(str(tmp_path / 'in' / 'sub' / 'poison.png'), images.read(os.path.join(source, '000.png')))
    (tmp_path / 'in' / 'broken.png').write_bytes(b'this is no picture')
    (tmp_path / 'start').mkdir()
    (tmp_path / 'start' / 'sitecustomize.py').write_text(POISON)
    result = stylize('--model', network, '--cluster', 'local:1', '--input', tmp_path / 'in', '--output',
                     tmp_path / 'out', PYTHONPATH=str(tmp_path / 'start'))
    assert (result.returncode, result.stdout) == (1, '24 done, 0 skipped, 2 failed\n'), result.stderr
    failed = sorted(line for line in result.stderr.split('\n') if line.startswith('failed: '))
    assert len(failed) == 2 and 'broken.png: not a picture' in failed[0]
    assert re.search(r'sub/poison.png: 2 workers died over it', failed[1])
    assert content(tmp_path / 'out') == results


@pytest.mark.parametrize('flags, line', [
    (['--cluster', 'locl:2'], 'is auto, for the Ray cluster of this machine'),
    (['--cluster', 'local:0'], 'or local:N for N workers'),
    (['--cluster', 'local:1', '--json'], '--json does not go with --cluster'),
    (['--cluster', 'ray://127.0.0.1:1'], 'no Ray cluster answers'),
    (['--cluster', 'local:1', '--output', '{in}'], 'is the folder of the pictures themselves'),
    (['--cluster', 'local:1', '--input', '{in}/000.png'], 'with --cluster, --input is a folder')])
def test_what_cannot_be_done_is_one_line(alone, network, ray, tmp_path, flags, line):
    source, _ = alone
    flags = [flag.replace('{in}', source) for flag in flags]
    result = stylize('--model', network, '--input', source, '--output', tmp_path / 'out', *flags)
    assert result.returncode == 2 and result.stderr.count('\n') == 1 and line in result.stderr, result.stderr
    assert not (tmp_path / 'out').exists()
