"""Photos on a cluster: the results of one machine, whatever dies on the way."""

import os
import re
import shutil
import signal

import on_ray
import pytest
from on_ray import content, stylize

from resnet_in_tf.pictures import images


@pytest.fixture
def photos(alone, tmp_path):
    """Returns a copy of the 24 photos with held.png, and the results of all 25."""
    source, results = alone
    shutil.copytree(source, str(tmp_path / 'in'))
    os.rename(str(tmp_path / 'in' / '000.png'), str(tmp_path / 'in' / 'held.png'))
    held = {name.replace('000.png', 'held.png'): data for name, data in results.items()}
    return str(tmp_path / 'in'), held


def test_two_nodes_make_what_one_machine_makes_and_skip_what_is_there(alone, network, nodes, tmp_path):
    source, results = alone
    flags = ['--model', network, '--cluster', 'auto', '--input', source, '--output', tmp_path / 'out']
    result = stylize(*flags, **nodes.environment)
    assert (result.returncode, result.stdout) == (0, '24 done, 0 skipped, 0 failed\n'), result.stderr
    assert content(tmp_path / 'out') == results
    os.remove(str(tmp_path / 'out' / '000.png'))
    with open(str(tmp_path / 'out' / '001.jpg'), 'w') as file:
        file.write('mine')
    result = stylize(*flags, **nodes.environment)
    assert (result.returncode, result.stdout) == (0, '1 done, 23 skipped, 0 failed\n'), result.stderr
    assert content(tmp_path / 'out') == dict(results, **{'001.jpg': b'mine'})


def test_a_node_that_dies_costs_no_picture(photos, network, nodes, tmp_path):
    source, results = photos
    process = on_ray.start('--model', network, '--cluster', 'auto', '--input', source, '--output',
                           tmp_path / 'out', **nodes.environment)
    nodes.kill(on_ray.holder(source, process))
    out, err = process.communicate(timeout=on_ray.SECONDS)
    assert (process.returncode, out) == (0, '24 done, 0 skipped, 0 failed\n'), err
    assert err == 'note: 1 worker died, and others did its work\n'
    assert content(tmp_path / 'out') == results


def test_a_program_whose_own_machine_leaves_the_cluster_ends_with_one_line(photos, network, ray, tmp_path):
    source, _ = photos
    (tmp_path / 'traps').mkdir()
    nodes = on_ray.Nodes(tmp_path / 'traps', {})
    try:
        nodes.two()
        process = on_ray.start('--model', network, '--cluster', 'auto', '--input', source, '--output',
                               tmp_path / 'out', **nodes.environment)
        on_ray.holder(source, process)
        nodes.cluster.head_node.kill_raylet()
        out, err = process.communicate(timeout=on_ray.SECONDS)
    finally:
        nodes.cluster.shutdown()
    assert out == '' and process.returncode in (1, 2), err  # 1: later Rays end the program themselves
    if process.returncode == 2:
        assert err.endswith("error: --cluster: Ray's process on this machine has ended, and the run with it; "
                            'start it, and the same command goes on\n')


def test_a_run_that_was_killed_goes_on(photos, network, nodes, tmp_path):
    source, results = photos
    flags = ['--model', network, '--cluster', 'auto', '--input', source, '--output', tmp_path / 'out']
    process = on_ray.start(*flags, **nodes.environment)
    on_ray.holder(source, process)
    on_ray.until(lambda: content(tmp_path / 'out'), process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    result = stylize(*flags, **nodes.environment)
    done, skipped = map(int, re.match(r'(\d+) done, (\d+) skipped, 0 failed\n$', result.stdout).groups())
    assert result.returncode == 0 and done + skipped == 24 and done and skipped, result.stderr
    assert content(tmp_path / 'out') == results


def test_a_picture_that_kills_two_workers_is_left_out(alone, network, nodes, tmp_path):
    source, results = alone
    shutil.copytree(source, str(tmp_path / 'in'))
    images.write(str(tmp_path / 'in' / 'sub' / 'poison.png'), images.read(os.path.join(source, '000.png')))
    (tmp_path / 'in' / 'broken.png').write_bytes(b'this is no picture')
    result = stylize('--model', network, '--cluster', 'auto', '--input', tmp_path / 'in', '--output',
                     tmp_path / 'out', **nodes.environment)
    assert (result.returncode, result.stdout) == (1, '24 done, 0 skipped, 2 failed\n'), result.stderr
    failed = sorted(line for line in result.stderr.split('\n') if line.startswith('failed: '))
    assert len(failed) == 2 and 'broken.png: not a picture' in failed[0]
    assert re.search('sub/poison.png: 2 workers died over it', failed[1])
    assert content(tmp_path / 'out') == results


def test_from_s3_to_s3_by_workers_of_this_machine(alone, network, ray, bucket, s3):
    client, name = bucket
    source, results = alone
    for path in results:
        client.upload_file(os.path.join(source, path), name, 'photos/' + path)
    client.put_object(Bucket=name, Key='photos/broken.png', Body=b'this is no picture')
    client.put_object(Bucket=name, Key='photos/.hidden/a.png', Body=b'')
    client.put_object(Bucket=name, Key='restyled/sub/003.png', Body=b'mine')
    address = 's3://%s/' % name
    result = stylize('--model', network, '--cluster', 'local:2', '--input', address + 'photos/', '--output',
                     address + 'restyled', **s3)
    assert (result.returncode, result.stdout) == (1, '23 done, 1 skipped, 1 failed\n'), result.stderr
    assert 'failed: %sphotos/broken.png: not a picture' % address in result.stderr
    made = {each['Key']: client.get_object(Bucket=name, Key=each['Key'])
            for each in client.list_objects_v2(Bucket=name, Prefix='restyled/')['Contents']}
    assert {key[len('restyled/'):]: each['Body'].read() for key, each in made.items()} == dict(
        results, **{'sub/003.png': b'mine'})
    assert made['restyled/001.jpg']['ContentType'] == 'image/jpeg'


def test_films_are_a_worker_each_and_survive_a_node_that_dies(network, nodes, tmp_path):
    pytest.importorskip('imageio_ffmpeg')
    import film_files
    (tmp_path / 'in' / 'sub').mkdir(parents=True)
    film_files.make(tmp_path / 'in' / 'held.mp4', seconds=0.2)
    film_files.make(tmp_path / 'in' / 'sub' / 'other.mkv', size='32x48', seconds=0.2, sound=0)
    (tmp_path / 'in' / 'photo.png').write_bytes(b'is no film')
    flags = ['--model', network, '--steady', 'none']
    for name in ('held.mp4', 'sub/other.mkv'):
        result = stylize('--input', tmp_path / 'in' / name, '--output', tmp_path / 'alone' / name, *flags)
        assert result.returncode == 0, result.stderr
    process = on_ray.start('--cluster', 'auto', '--films', '--input', tmp_path / 'in', '--output',
                           tmp_path / 'out', *flags, **nodes.environment)
    nodes.kill(on_ray.holder(tmp_path / 'in', process, 'held.mp4'))
    out, err = process.communicate(timeout=on_ray.SECONDS)
    assert (process.returncode, out) == (0, '2 done, 0 skipped, 0 failed\n'), err
    assert sorted(content(tmp_path / 'out')) == ['held.mp4', 'sub/other.mkv']
    for name in ('held.mp4', 'sub/other.mkv'):
        assert film_files.pictures(str(tmp_path / 'out' / name)) == film_files.pictures(
            str(tmp_path / 'alone' / name))
