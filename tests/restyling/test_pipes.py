"""stylize.py for other programs: standard input and output, JSON, and a result beside its photo."""

import io
import json
import os
import subprocess
import tempfile

import numpy as np
import pytest
import running
from PIL import Image

from resnet_in_tf.cluster import command as clusters
from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling import batch, pipes
from resnet_in_tf.video import command as films


def piped(model, data, *flags):
    """Runs stylize.py with bytes through its standard input: (exit status, bytes of stdout, stderr)."""
    process = subprocess.run(running.argv('stylize.py', '--model', model, *flags), input=data,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=running.TIMEOUT)
    return process.returncode, process.stdout, process.stderr.decode()


@pytest.fixture(scope='module')
def expected(random_model, tmp_path_factory, photo):
    """The photo restyled from file to file, uint8."""
    folder = tmp_path_factory.mktemp('expected')
    images.write(str(folder / 'a.png'), photo)
    result = running.script('stylize.py', '--model', random_model, '--input', folder / 'a.png', '--output',
                            folder / 'b.png')
    assert result.returncode == 0, result.stderr
    return images.read(str(folder / 'b.png'))


@pytest.mark.parametrize('format_, flags, made', [
    ('PNG', ['--output', '-'], 'PNG'), ('BMP', [], 'BMP'), ('GIF', [], 'PNG'),
    ('JPEG', ['--format', 'png'], 'JPEG'), ('TIFF', ['--output=-', '--format=webp'], 'WEBP')])
def test_a_picture_goes_through_pipes(random_model, photo, expected, format_, flags, made):
    if flags == ['--format', 'png']:
        flags, made = flags + ['--output', '-'], 'PNG'
    status, out, err = piped(random_model, images.encode(photo, format_), '--input', '-', *flags)
    assert status == 0 and err == ''
    with Image.open(io.BytesIO(out)) as result:
        assert result.format == made and result.size == (53, 41)
        if format_ in ('PNG', 'BMP'):
            assert np.array_equal(np.asarray(result.convert('RGB')), expected)


def test_only_one_end_may_be_a_pipe(random_model, photo, expected, tmp_path):
    data, source = images.encode(photo, 'PNG'), tmp_path / 'a.png'
    source.write_bytes(data)
    made = images.encode(expected, 'PNG')
    assert piped(random_model, b'', '--input', source, '--output', '-') == (0, made, '')
    status, out, _ = piped(random_model, data, '--input', '-', '--output', tmp_path / 'b.bmp')
    assert (status, out) == (0, b'1 done, 0 skipped, 0 failed\n')
    assert np.array_equal(images.read(str(tmp_path / 'b.bmp')), expected)


@pytest.mark.parametrize('restyle, why', [
    (films.restyle, '--input a.mp4 is a film'), (clusters.restyle, '--cluster is for many')])
def test_one_picture_alone_goes_through_a_pipe(restyle, why, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match='^--output -: is for one picture, and %s; name a file or a' % why):
        restyle({'input': 'a.mp4', 'output': '-'})
    assert os.listdir(str(tmp_path)) == []


@pytest.mark.parametrize('data, reason', [(b'', 'the file is empty'), (b'words' * 99, 'not a picture'),
                                          ('cut', 'cut short')])
def test_what_is_no_picture_leaves_the_pipe_empty_and_is_one_line(random_model, photo, data, reason):
    data = images.encode(photo, 'PNG')[:-500] if data == 'cut' else data
    status, out, err = piped(random_model, data, '--input=-', '--output=-')
    assert (status, out) == (1, b'')
    assert err.startswith('failed: -: ') and reason in err and err.count('\n') == 1


def test_a_wrong_flag_leaves_the_pipe_empty_too(random_model, photo):
    status, out, err = piped(random_model, images.encode(photo, 'PNG'), '--input=-', '--style=monet')
    assert (status, out) == (2, b'') and err.startswith('error: --style monet: this network has no style')


def test_a_full_disk_and_a_reader_that_leaves_are_told_by_the_status(random_model, photo, tmp_path):
    images.write(str(tmp_path / 'a.bmp'), images.resize(photo, 300, 300))
    command = running.argv('stylize.py', '--model', random_model, '--input', tmp_path / 'a.bmp', '--output=-')
    with open('/dev/full', 'wb') as full:
        process = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=running.TIMEOUT)
    assert process.returncode == 2
    assert process.stderr == b'error: -: cannot write it: No space left on device\n'
    ours, theirs = os.pipe()
    os.close(ours)
    process = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, timeout=running.TIMEOUT)
    os.close(theirs)
    assert process.returncode == 141 and b'Traceback' not in process.stderr


def test_nothing_is_left_of_a_pipe(photo, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    monkeypatch.setattr(pipes.scratch, 'folder', lambda: str(tmp_path))
    with open(str(tmp_path / 'a'), 'wb') as file:
        file.write(images.encode(photo, 'WEBP'))
    kept = os.dup(0)
    try:
        for wrong in (False, True):
            with open(str(tmp_path / 'a'), 'rb') as file:
                os.dup2(file.fileno(), 0)
            try:
                with pipes.opened('-', str(tmp_path / 'out.png')) as ends:
                    assert ends.source.endswith('input.webp') and ends.output == str(tmp_path / 'out.png')
                    if wrong:
                        raise UserError('%s: is wrong' % ends.source)
            except UserError as error:
                assert wrong and str(error) == '-: is wrong'
        with open(str(tmp_path / 'a'), 'rb') as file:
            os.dup2(file.fileno(), 0)
        monkeypatch.setattr(pipes, 'LARGEST', 20)
        with pytest.raises(UserError, match='^--input -: more than'), pipes.opened('-', 'out.png'):
            pass
    finally:
        os.dup2(kept, 0)
        os.close(kept)
    assert os.listdir(str(tmp_path)) == ['a']


def test_json_is_one_document_that_says_how_each_picture_ended(random_model, photo, tmp_path):
    source, out = tmp_path / 'in', tmp_path / 'out'
    source.mkdir()
    out.mkdir()
    for name in ('a.png', 'b.gif', '\u00e9.png'):
        images.write(str(source / name), photo)
    (source / 'bad.jpg').write_bytes(b'no picture')
    (source / 'raw.heic').write_bytes(b'')
    (out / 'a.png').write_bytes(b'there')
    single = str(tmp_path / 'single.jpg')
    images.write(single, photo)
    base = ['stylize.py', '--model', random_model, '--json']
    many, one, none = running.many([base + ['--input', source, '--output', out],
                                    base + ['--input', single],
                                    base + ['--input', tmp_path / 'none.jpg', '--output', out]])
    told = json.loads(many.stdout)
    assert many.returncode == 1 and set(told) == {'done', 'skipped', 'failed', 'notes', 'seconds'}
    assert told['done'] == [{'input': str(source / name), 'output': str(out / made)}
                            for name, made in (('b.gif', 'b.png'), ('\u00e9.png', '\u00e9.png'))]
    assert told['skipped'] == [{'input': str(source / 'a.png'), 'output': str(out / 'a.png')}]
    (failed,), (note,) = told['failed'], told['notes']
    assert failed['input'] == str(source / 'bad.jpg') and 'not a picture' in failed['reason']
    assert '.heic' in note and 0 < told['seconds'] < running.TIMEOUT
    assert one.returncode == 0 and one.stderr == ''
    assert json.loads(one.stdout)['done'] == [{'input': single, 'output': str(tmp_path / 'single_wave.jpg')}]
    assert none.returncode == 2 and none.stdout == '' and none.stderr.startswith('error: ')


def test_json_calls_a_pipe_as_the_flag_does(random_model, photo, tmp_path):
    status, out, _ = piped(random_model, images.encode(photo, 'PNG'), '--input=-', '--json',
                           '--output', tmp_path / 'a.png')
    assert status == 0
    assert json.loads(out.decode())['done'] == [{'input': '-', 'output': str(tmp_path / 'a.png')}]


def test_a_result_goes_beside_its_photo_and_replaces_nothing(random_model, photo, tmp_path):
    source = str(tmp_path / 'photo.gif')
    images.write(source, photo)
    (tmp_path / 'photo_udnie.png').write_bytes(b'mine')
    base = ['stylize.py', '--model', random_model, '--input', source]
    first, mix, there, again = running.many([
        base, base + ['--style=2,wave:3', '--strength=.5'], base + ['--style=udnie'],
        base + ['--style=udnie', '--overwrite']])
    assert first.returncode == mix.returncode == there.returncode == 0
    assert first.stdout == '1 done, 0 skipped, 0 failed\nLook at %s\n' % (tmp_path / 'photo_wave.png')
    assert there.stdout == '0 done, 1 skipped, 0 failed\n'
    assert there.stderr == 'note: %s is there already; --overwrite makes it again\n' % (
        tmp_path / 'photo_udnie.png')
    assert again.stdout.startswith('1 done')
    assert sorted(os.listdir(str(tmp_path))) == ['photo.gif', 'photo_udnie.png', 'photo_wave.png',
                                                 'photo_wave_udnie.png']


@pytest.mark.parametrize('source, styles, result', [
    ('a/b.jpg', ['wave'], 'a/b_wave.jpg'), ('b.GIF', ['x', 'y'], 'b_x_y.png'), ('b', ['x'], 'b_x.png'),
    ('a.b/c', ['x/y\\z'], 'a.b/c_x_y_z.png'), ('b.webp', ['x' * 99], 'b_%s.webp' % ('x' * 60))])
def test_names_of_results_are_names_of_files(source, styles, result):
    assert batch.beside(source, styles) == result
