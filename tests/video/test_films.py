"""stylize.py on films, as a user runs it."""

import contextlib
import glob
import os
import re
import signal
import struct

import numpy as np
import pytest
import running
from film_files import make, pictures, sound, times
from PIL import Image

from resnet_in_tf import memory
from resnet_in_tf.restyling.stylizer import Stylizer
from resnet_in_tf.video import ffmpeg, films, probing

X264 = ['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-c:a', 'aac']
FULL = ['-vf', 'format=yuv444p,scale=49:33', '-c:v', 'libx264', '-c:a', 'aac']  # testsrc2 is even
VP9 = ['-vf', 'format=yuv444p,scale=49:33,format=yuv420p', '-c:v', 'libvpx-vp9', '-c:a', 'libopus']
HDR = ['-color_trc', 'smpte2084', '-color_primaries', 'bt2020', '-colorspace', 'bt2020nc', '-bsf:v',
       'h264_metadata=transfer_characteristics=16']
VARIABLE = ['-vf', "setpts='N*(N+3)/50/TB'", '-bf', '0'] + ffmpeg.keep_times()


@pytest.fixture(scope='module')
def run(tiny, tmp_path_factory):
    """Every command of this module, run with one start of TensorFlow: (folder, dict output -> Result)."""
    folder = tmp_path_factory.mktemp('films')
    sources = {
        'plain.mp4': {'flags': X264},
        'silent.mov': {'flags': X264[:4], 'sound': 0},
        'odd.mp4': {'flags': FULL},
        'odd.webm': {'flags': VP9},
        'ten.mp4': {'flags': ['-c:v', 'libx264', '-pix_fmt', 'yuv420p10le', '-c:a', 'aac']},
        'variable.mp4': {'flags': X264 + VARIABLE, 'seconds': 0.3, 'sound': 1},
        'wide.mp4': {'flags': X264 + ['-vf', 'setsar=4/3']},
        'anim.gif': {'rate': '10', 'sound': 0},
        'long.mp4': {'flags': X264, 'seconds': 2.2, 'sound': 2.2},
        'hdr.mp4': {'flags': X264 + HDR},
        'whole.mp4': {'flags': X264 + ['-movflags', '+faststart', '-b:a', '16k'], 'seconds': 3, 'sound': 3}}
    for name, settings in sources.items():
        make(folder / name, **settings)
    parts = ['-itsoffset', '0.2', '-i', folder / 'silent.mov', '-i', folder / 'plain.mp4']
    assert ffmpeg.run(parts + ['-map', '0:v', '-map', '1:a', '-c', 'copy', folder / 'late.mp4'])[0] == 0
    data = (folder / 'whole.mp4').read_bytes()
    (folder / 'cut.mp4').write_bytes(data[:len(data) * 3 // 4])
    (folder / 'headless.mp4').write_bytes(data[len(data) // 2:])
    (folder / 'junk.mp4').write_bytes(b'no film at all')
    (folder / 'list.mp4').write_bytes(b'#EXTM3U\n#EXTINF:1,\nplain.mp4\n')
    (folder / 'taken.mp4').write_bytes(b'mine')
    half = np.repeat(np.uint8([[0] * 24 + [255] * 25]), 33, 0)
    Image.fromarray(half).save(str(folder / 'half.png'))
    commands = {'out/' + name: name for name in (
        'plain.mp4', 'silent.mov', 'odd.mp4', 'odd.webm', 'ten.mp4', 'variable.mp4', 'wide.mp4', 'late.mp4',
        'anim.gif', 'long.mp4', 'cut.mp4', 'hdr.mp4', 'headless.mp4', 'junk.mp4', 'list.mp4')}
    commands.update({'out/anim.png': 'anim.gif', 'out/gif.mp4': 'anim.gif', 'out/plain.gif': 'plain.mp4',
                     'out/aac.webm': 'plain.mp4', 'out/plain.png': 'plain.mp4', 'taken.mp4': 'plain.mp4',
                     'out/broad.mp4': 'odd.mp4', 'masked/': 'odd.mp4', 'source/': 'odd.mp4',
                     'frames/': 'variable.mp4', 'out/frames.mp4': 'frames', 'plain.mp4': 'plain.mp4'})
    extra = {'out/frames.mp4': ['--frame_rate=12.5'], 'plain.mp4': ['--overwrite'],
             'out/gif.mp4': ['--preserve_color', '--strength=0'],
             'out/broad.mp4': ['--brush=2', '--match_color=photo:0.5'],
             'masked/': ['--brush=0.5', '--mask', '%s:wave' % (folder / 'half.png'), '--elsewhere=identity'],
             'source/': ['--strength=0', '--steady=none']}
    results = running.many([
        ['stylize.py', '--model', tiny, '--input', folder / source, '--output', '%s/%s' % (folder, output)]
        + extra.get(output, []) for output, source in commands.items()])
    return str(folder) + os.sep, dict(zip(commands, results))


def test_strokes_and_colours_of_a_film_are_set_as_a_photos(run):
    folder, results = run
    assert (results['out/broad.mp4'].returncode, results['out/broad.mp4'].stderr) == (0, '')
    frames = {name: pictures(folder + name) for name in ('odd.mp4', 'out/odd.mp4', 'out/broad.mp4')}
    old, new = [probing.probe(folder + name) for name in ('odd.mp4', 'out/broad.mp4')]
    assert (new.width, new.height) == (old.width, old.height)
    assert len({len(each) for each in frames.values()}) == 1
    assert not set(frames['out/broad.mp4']) & (set(frames['out/odd.mp4']) | set(frames['odd.mp4']))


def test_a_mask_is_over_every_frame_whatever_the_brush(run):
    folder, results = run
    assert (results['masked/'].returncode, results['masked/'].stderr) == (0, '')
    frames = [[np.asarray(Image.open(path), int) for path in sorted(glob.glob(folder + name + '*.png'))]
              for name in ('masked/', 'source/')]
    assert len(frames[0]) == len(frames[1]) > 3
    for one, other in zip(*frames):
        apart = np.abs(one - other)
        assert apart.shape == (33, 49, 3) and apart[:, :20].mean() < 6 and apart[:, 29:].mean() > 30


@pytest.mark.parametrize('name', ['plain.mp4', 'silent.mov', 'odd.mp4', 'ten.mp4', 'variable.mp4', 'wide.mp4',
                                  'late.mp4', 'anim.gif', 'long.mp4'])
def test_size_times_and_sound_are_the_films_own(run, name):
    folder, results = run
    assert (results['out/' + name].returncode, results['out/' + name].stderr) == (0, '')
    before, after = folder + name, folder + 'out/' + name
    old, new = probing.probe(before), probing.probe(after)
    same = ('width', 'height', 'packets', 'aspect', 'sounds')
    assert [getattr(new, field) for field in same] == [getattr(old, field) for field in same]
    assert times(after) == times(before) and len(times(after)) > 3
    assert (new.width, new.height) == (49, 33) or name != 'odd.mp4'
    if name != 'variable.mp4':
        assert new.rate == old.rate
        assert new.last_duration * new.time_base == old.last_duration * old.time_base
    if old.sounds:
        assert sound(after) == sound(before)
    assert len(pictures(after)) == old.packets and not set(pictures(after)) & set(pictures(before))
    assert not glob.glob(folder + 'out/*.parts')


def test_pictures_that_begin_after_the_sound_still_do(run):
    assert times(run[0] + 'out/late.mp4')[0] == 200


def test_webm_has_its_sound_and_its_odd_size(run):
    folder, results = run
    assert results['out/odd.webm'].returncode == 0
    before, after = folder + 'odd.webm', folder + 'out/odd.webm'
    old, new = probing.probe(before), probing.probe(after)
    assert (new.width, new.height, new.packets, new.sounds) == (49, 33, old.packets, ('opus',))
    assert [words[3:] for words in sound(after)] == [words[3:] for words in sound(before)]
    np.testing.assert_allclose(times(after), times(before), atol=20)  # a copy by ffmpeg moves them by 7, too


def test_a_film_of_variable_rate_keeps_each_frame_as_long_as_it_was(run):
    steps = np.diff(times(run[0] + 'out/variable.mp4'))
    assert len(set(steps.round())) > 3


@pytest.mark.parametrize('output, says', [
    ('out/headless.mp4', 'is no film that can be read'),
    ('out/junk.mp4', 'is no film that can be read'),
    ('out/list.mp4', 'is no film that can be read'),
    ('out/hdr.mp4', 'is HDR (PQ)'),
    ('out/aac.webm', 'cannot hold the sound'),
    ('out/plain.png', 'a film becomes one of'),
    ('plain.mp4', 'would take the place of')])
def test_what_cannot_be_done_is_one_line_and_leaves_nothing(run, output, says):
    folder, results = run
    result = results[output]
    assert result.returncode == 2 and says in result.stderr and result.stderr.count('\n') == 1
    assert output == 'plain.mp4' or not glob.glob(folder + output + '*')


def test_a_film_that_is_cut_short_is_done_as_far_as_it_goes(run):
    folder, results = run
    result = results['out/cut.mp4']
    assert result.returncode == 0 and 'is damaged or cut short' in result.stderr
    assert result.stderr.count('\n') == 1
    done, whole = times(folder + 'out/cut.mp4'), times(folder + 'whole.mp4')
    assert 10 < len(done) < 75 and set(done) <= set(whole)
    assert done[:-4] == whole[:len(done) - 4]  # where it ends, frames lack those that they are made of


def test_a_file_that_ends_too_early_is_told_by_reading_it_through(run):
    """What decoding says of it can be lost: ffmpeg's threads write into each other's lines."""
    folder, _ = run
    assert probing.probe(folder + 'cut.mp4').problem
    for name in ('whole.mp4', 'plain.mp4', 'odd.webm', 'variable.mp4', 'late.mp4', 'anim.gif'):
        assert probing.probe(folder + name).problem is None


def test_what_exists_is_skipped(run):
    folder, results = run
    assert results['taken.mp4'].stdout == '0 done, 1 skipped, 0 failed\n'
    with open(folder + 'taken.mp4', 'rb') as file:
        assert file.read() == b'mine'


def test_a_gif_becomes_what_output_names(run):
    folder, results = run
    assert Image.open(folder + 'out/anim.png').size == (48, 32)
    assert times(folder + 'out/gif.mp4') == [0, 100, 200, 300]
    assert 'has no sound' in results['out/plain.gif'].stderr
    assert len(times(folder + 'out/plain.gif')) == 10


def test_frames_become_a_film_and_a_film_frames(run):
    folder = run[0]
    frames = sorted(os.listdir(folder + 'frames'))
    assert frames[0] == '000001.png' and len(frames) == len(times(folder + 'variable.mp4'))
    assert times(folder + 'out/frames.mp4') == [80.0 * number for number in range(len(frames))]


def test_a_turned_film_is_upright(tiny, tmp_path):
    lying = make(tmp_path / 'lying.mp4', flags=X264[:4], sound=0)
    turned = str(tmp_path / 'turned.mp4')
    recent = '-vsync' not in ffmpeg.keep_times()
    before, after = (['-display_rotation', '90'], []) if recent else ([], ['-metadata:s:v', 'rotate=90'])
    assert ffmpeg.run(before + ['-i', lying, '-c', 'copy'] + after + [turned])[0] == 0
    film = probing.probe(turned)
    assert (film.width, film.height) == (32, 48)
    new = str(tmp_path / 'new.mp4')
    result = running.script('stylize.py', '--model', tiny, '--input', turned, '--output', new)
    assert result.returncode == 0, result.stderr
    film = probing.probe(new)
    assert (film.width, film.height, film.packets) == (32, 48, 10)
    assert 'rotat' not in ffmpeg.run(['-i', new], 'info')[1]


@pytest.mark.slow
def test_killed_at_ten_moments_the_same_command_goes_on(tiny, tmp_path):
    source = make(tmp_path / 'film.mp4', seconds=5.2, sound=5.2, flags=X264)
    whole, target = str(tmp_path / 'whole.mp4'), str(tmp_path / 'new.mp4')
    command = ['stylize.py', '--model', tiny, '--input', source, '--output']
    moments = ['record.json', '*.tmp', '000000.mkv.npz', '000000.mkv', '000001.mkv.npz', '000001.mkv.json',
               '000001.mkv', '000002.mkv.npz', '000002.mkv', 'end.json']
    results = running.many([command + [target]] * 11 + [command + [whole]],
                           [os.path.join(target + '.parts', moment) for moment in moments])
    assert [result.returncode for result in results] == [-signal.SIGKILL] * 10 + [0, 0], results
    done = [re.findall(r'(\d+) of 130 frames are done already', result.stderr) for result in results]
    done = [int(found[0]) for found in done if found]  # what had its file already was killed before a word
    assert done == sorted(done) and done[-1] == 130 and len(set(done)) >= 3
    assert pictures(target) == pictures(whole) and len(pictures(target)) == 130
    assert times(target) == times(source)
    assert sound(target) == sound(source)
    assert not os.path.exists(target + '.parts')


def test_killed_frames_in_a_folder_go_on(tiny, tmp_path):
    source = make(tmp_path / 'film.mkv', seconds=1.6, sound=0, flags=X264[:4])
    folders = [str(tmp_path / name) for name in ('new', 'whole')]
    command = ['stylize.py', '--model', tiny, '--input', source, '--output']
    killed, ended, _ = running.many([command + [folders[0] + '/']] * 2 + [command + [folders[1] + '/']],
                                    [folders[0] + '/000030.png'])
    assert (killed.returncode, ended.returncode) == (-signal.SIGKILL, 0)
    assert ' of 40 frames are done already' in ended.stderr and '0 of 40' not in ended.stderr
    frames = [[np.asarray(Image.open(os.path.join(folder, name))) for name in sorted(os.listdir(folder))]
              for folder in folders]
    np.testing.assert_array_equal(*frames)  # of 40 frames, and nothing beside them


@pytest.mark.skipif(os.name != 'posix', reason='Windows has no pty')
def test_a_terminal_shows_frames_and_time_left(tiny, tmp_path):
    import fcntl
    import pty
    import termios
    source = make(tmp_path / 'film.mp4', flags=X264[:4], sound=0)
    shown, terminal = pty.openpty()
    # A new one has no columns, and newer releases of tqdm fill all of them.
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))
    process = running.start(running.argv('stylize.py', '--model', tiny, '--input', source, '--output',
                                         tmp_path / 'new.mp4'), stderr=terminal)
    os.close(terminal)
    assert process.communicate(timeout=running.TIMEOUT)[0] == '1 done, 0 skipped, 0 failed\n'
    text = b''
    with contextlib.suppress(OSError):  # the end of a terminal
        while True:
            part = os.read(shown, 4096)
            if not part:
                break
            text += part
    os.close(shown)
    assert re.search(r' \d+/10 \[\d\d:\d\d<\d\d:\d\d', text.decode('utf-8', 'replace')), text


@pytest.mark.slow
def test_memory_does_not_grow_with_length(tiny, tmp_path):
    path = make(tmp_path / 'long.mp4', size='480x272', seconds=6, sound=0, flags=X264[:4])
    held = []
    options = films.Options(None, False, 95, False, False, 2 ** 31)
    with Stylizer(tiny) as stylizer:
        films.stylize_film(stylizer, path, path + '.mkv', options._replace(
            style_weights=stylizer.style_weights('1')), on_frame=lambda: held.append(memory.resident()))
    assert len(held) == len(times(path + '.mkv')) == 150
    # It goes up and down by some 50 MB; the 90 frames between would be 35 MB, as floats 140.
    early, late = np.mean(held[30:60]), np.mean(held[-30:])
    assert late - early < 30 * 2 ** 20, [each >> 20 for each in held[::10]]
