"""Folders of pictures: where results go, what shares a run, failures, Ctrl-C, memory."""

import functools
import os
import signal
import subprocess
import sys
import threading
import time

import networks
import numpy as np
import pytest
import running
import tensorflow.compat.v1 as tf

from resnet_in_tf import files, memory
from resnet_in_tf.errors import UserError
from resnet_in_tf.network import frozen
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling import batch, engines, pipeline
from resnet_in_tf.restyling.stylizer import Stylizer
from resnet_in_tf.tiles.network import FixedNetwork

STYLE = np.float32([1, 0, 0])


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return networks.write_random(tmp_path_factory.mktemp('batch') / 'net.pb')


@pytest.fixture(scope='module')
def stylizer(model):
    stylizer = Stylizer(model, impl='reference')
    yield stylizer
    stylizer.close()


class Negative:
    """A stylizer whose results are known, and which tells what shared a run."""

    def __init__(self, model=None, most=10 ** 9):
        graph_def = model and frozen.read_graph(model)[0]
        self.engine = engines.Engine('tensorflow', [], {}, self.stylize, None,
                                     functools.partial(FixedNetwork, graph_def),
                                     frozen.first_width(graph_def) if model else None)
        self.most, self.shapes = most, []

    def stylize(self, pixels, style_weights):
        self.shapes.append(pixels.shape)
        if pixels.size > self.most:
            raise MemoryError
        return 255 - np.float32(pixels)


def write_pictures(folder, sizes, extension='.png'):
    """One picture a size (height, width), each of a colour of its own: list of paths."""
    random = np.random.RandomState(len(sizes))
    paths = [str(folder / ('%02d%s' % (number, extension))) for number in range(len(sizes))]
    for path, size in zip(paths, sizes):
        images.write(path, random.randint(0, 256, size + (3,)).astype(np.uint8))
    return paths


def run(stylizer, source, output, **options):
    return batch.stylize_files(stylizer, batch.plan(str(source), str(output)).jobs, STYLE, **options)


def test_a_folder_keeps_its_sub_folders_and_gif_becomes_png(tmp_path):
    (tmp_path / 'in' / 'sub').mkdir(parents=True)
    for name in ('a.PNG', 'sub/b.jpg', 'sub/c.gif'):
        images.write(str(tmp_path / 'in' / name), np.zeros([4, 4, 3], np.uint8))
    jobs = batch.plan(str(tmp_path / 'in'), 'out').jobs
    assert [job.target for job in jobs] == ['out/a.PNG', 'out/sub/b.jpg', 'out/sub/c.png']
    jobs = batch.plan(str(tmp_path / 'in' / 'sub' / '*.jpg'), 'out').jobs
    assert [job.target for job in jobs] == ['out/b.jpg']
    assert batch.plan(str(tmp_path / 'in' / 'a.PNG'), 'x.jpg').jobs[0].target == 'x.jpg'


def test_pictures_of_one_size_share_a_run_and_each_gets_its_own_result(tmp_path, model):
    sizes = [(20, 30), (30, 20)] * 5 + [(8, 9)]
    paths = write_pictures(tmp_path, sizes)
    stylizer = Negative(model)
    summary = run(stylizer, tmp_path, tmp_path / 'out')
    assert [job.source for job in summary.done] == paths and not summary.failed
    for path in paths:
        result = images.read(str(tmp_path / 'out' / os.path.basename(path)))
        assert np.array_equal(result, 255 - images.read(path))
    assert len(stylizer.shapes) <= 5 and (pipeline.AT_ONCE, 20, 30, 3) in stylizer.shapes


def test_what_shares_a_run_does_not_change_the_result(tmp_path, stylizer):
    write_pictures(tmp_path, [(33, 50)] * 3 + [(40, 21)])
    run(stylizer, tmp_path, tmp_path / 'out')
    for name in sorted(os.listdir(str(tmp_path / 'out'))):
        alone = stylizer.stylize(images.read(str(tmp_path / name)), STYLE)
        assert np.abs(images.read(str(tmp_path / 'out' / name)) - alone).max() < 0.51


def test_a_picture_that_fails_stops_no_other_and_is_named(tmp_path):
    write_pictures(tmp_path, [(20, 30)] * 4)
    (tmp_path / '01.png').write_bytes(b'no picture')
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / '02.png').mkdir()
    reported = []
    summary = run(Negative(), tmp_path, tmp_path / 'out', overwrite=True,
                  on_job=lambda job, error: reported.append((os.path.basename(job.source), error)))
    assert [os.path.basename(job.source) for job in summary.done] == ['00.png', '03.png']
    assert [reason.split(': ')[0] for _, reason in summary.failed] == [
        str(tmp_path / '01.png'), str(tmp_path / 'out' / '02.png')]
    assert sorted(name for name, error in reported if error is None) == ['00.png', '03.png']
    assert len(reported) == 4


class Failing(Negative):
    """A stylizer that throws an error at the pictures of one colour."""

    def __init__(self, error, model=''):
        super().__init__(model)
        self.error = error

    def stylize(self, pixels, style_weights):
        if (pixels == 7).all(axis=(-3, -2, -1)).any():
            raise self.error
        return super().stylize(pixels, style_weights)


@pytest.mark.parametrize('alone', [False, True])
@pytest.mark.parametrize('error, words', [
    (RuntimeError('[ONNXRuntimeError] :\n  6 : no luck'), 'RuntimeError: [ONNXRuntimeError] : 6 : no luck'),
    (tf.errors.UnknownError(None, None, 'cuDNN\nfailed'), 'UnknownError: cuDNN failed'),
    (tf.errors.InternalError(None, None, 'x' * 9999), 'x' * 200),
    (OSError(5, 'Input/output error'), 'Input/output error'), (KeyError('a'), "KeyError: 'a'"),
    (UserError('no room in /tmp'), 'no room in /tmp')])
def test_whatever_goes_wrong_in_one_picture_is_its_line_and_the_rest_is_done(tmp_path, model, alone, error,
                                                                             words):
    for number in range(9):
        color = 7 if number == 4 else number * 20
        images.write(str(tmp_path / ('%d.png' % number)), np.full([6, 8, 3], color))
    summary = run(Failing(error, '' if alone else model), tmp_path, tmp_path / 'out')
    assert len(summary.done) == 8
    (job, reason), = summary.failed
    assert reason.startswith(str(tmp_path / '4.png') + ': ') and words in reason
    assert '\n' not in reason and len(reason) < 999
    for job in summary.done:
        assert np.array_equal(images.read(job.target), 255 - images.read(job.source))


@pytest.mark.parametrize('place', ['read_rgba', 'write', 'check'])
@pytest.mark.parametrize('error', [RuntimeError('odd'), MemoryError(), ValueError('odd')])
def test_what_goes_wrong_while_a_picture_is_read_or_written_is_its_line(tmp_path, monkeypatch, place, error):
    paths, real = write_pictures(tmp_path, [(5, 6)] * 5), getattr(images, place)

    def fails_at_one(path, *rest):
        if os.path.basename(path) == '02.png':
            raise error
        return real(path, *rest)
    monkeypatch.setattr(images, place, fails_at_one)
    summary = run(Negative(), tmp_path, tmp_path / 'out')
    assert [job.source for job in summary.done] == paths[:2] + paths[3:]
    assert [reason.startswith(paths[2] + ': ') for _, reason in summary.failed] == [True]


def test_a_picture_that_memory_is_too_little_for_runs_in_tiles_or_is_its_line(tmp_path, model):
    (tmp_path / 'in').mkdir()
    write_pictures(tmp_path / 'in', [(6, 8)] * 3)
    bad = str(tmp_path / 'in' / '7.png')
    images.write(bad, np.full([6, 8, 3], 7))
    assert len(run(Failing(MemoryError(), model), tmp_path / 'in', tmp_path / 'tiles').done) == 4
    summary = run(Failing(MemoryError()), tmp_path / 'in', tmp_path / 'out')
    assert len(summary.done) == 3
    assert summary.failed[0][1] == bad + ': the device has not enough memory'


@pytest.mark.parametrize('pictures', [1, 3, 50])
def test_no_more_pictures_are_on_their_way_than_memory_holds(tmp_path, monkeypatch, pictures):
    """Decoded, waiting, painted and being written all count; one is let in whatever it takes."""
    side, most = 40, []
    write_pictures(tmp_path, [(side, side)] * 20 + [(side, side - 1)] * 4)
    monkeypatch.setattr(pipeline.memory, 'resident', lambda: 0)
    read = images.read_rgba

    def counted(source):
        most.append(sum(running_pipeline.flight.values()))
        return read(source)

    monkeypatch.setattr(images, 'read_rgba', counted)
    ended = []
    plan = batch.plan(str(tmp_path), str(tmp_path / 'out'))
    room = (pictures * pipeline.HELD_BYTES + pipeline.THREADS * memory.encoding_bytes('PNG')) * side * side
    running_pipeline = pipeline.Pipeline(
        Negative(), pipeline.Options(STYLE, False, 95, False), room,
        lambda job, error: ended.append(error), None)
    running_pipeline.run(plan.jobs)
    assert ended == [None] * 24 and not running_pipeline.flight
    assert max(most) <= max(1, pictures) * side * side
    assert pictures == 1 or max(most) > side * side


def test_a_run_of_the_network_has_its_share_of_memory_beside_the_pictures(tmp_path, monkeypatch, model):
    monkeypatch.setattr(pipeline.memory, 'resident', lambda: 0)
    line = pipeline.Pipeline(Negative(model), pipeline.Options(STYLE, False, 95, False),
                             3 * 2 ** 30, None, None)
    pixels, job = 10 ** 6, batch.Job('a.png', 'b.png')
    assert line.has_room(job, pixels)
    while line.has_room(job, pixels):
        line.flight[batch.Job('%d.png' % len(line.flight), 'b.png')] = pixels
    held = len(line.flight) * pixels
    assert held > 2 * pixels and not line.has_room(job, 0)  # one that is run in tiles is run alone
    assert pipeline.HELD_BYTES * held + line.run_bytes * line.at_once * pixels <= 3 * 2 ** 30


def test_a_picture_holds_no_more_than_is_said_while_it_is_written(tmp_path):
    code = """
import sys, types
import numpy as np
from resnet_in_tf import memory
from resnet_in_tf.restyling import batch, pipeline
from resnet_in_tf.restyling.ends import FileEnds
from resnet_in_tf.pictures import finishing, images
def write(side, path, color, transparent):
    rows, columns = np.mgrid[:side, :side].astype(np.float32)
    photo = np.dstack([rows % 256, columns % 251, (rows + columns) % 241]).astype(np.uint8)
    painted = np.dstack([128 + 90 * np.sin(rows / 5), 128 + 90 * np.cos(columns / 7), rows % 256])
    alpha = photo[..., 0].copy() if transparent else None
    given = photo.nbytes + painted.nbytes + transparent * side * side
    held = memory.resident()
    with open('/proc/self/clear_refs', 'w') as file:
        file.write('5')  # the peak begins anew
    line = types.SimpleNamespace(options=pipeline.Options(None, color, 95, False), ends=FileEnds,
                                 finish=finishing.Finish(color))
    pipeline.Pipeline.write(line, pipeline.Photo(batch.Job(path, path), photo, alpha), painted)
    return (memory.peak() - held + given) / side ** 2
for path in sys.argv[1:]:
    for color, transparent in ((False, True), (True, False)):
        write(64, path, color, transparent)
        said = memory.encoding_bytes(images.format_of(path), transparent) + pipeline.COLOR_BYTES * color
        print(path, write(1500, path, color, transparent), pipeline.HELD_BYTES + said)
"""
    paths = [str(tmp_path / ('a' + extension)) for extension in ('.jpg', '.png', '.tif', '.webp')]
    shown = subprocess.check_output([sys.executable, '-c', code] + paths, cwd=running.ROOT).decode()
    lines = shown.splitlines()
    assert len(lines) == 8
    for line in lines:
        taken, said = map(float, line.split()[1:])
        assert taken <= said < 3 * taken, line


def test_ctrl_c_is_no_pictures_fault(tmp_path, model):
    write_pictures(tmp_path, [(5, 6)] * 3)
    images.write(str(tmp_path / '9.png'), np.full([5, 6, 3], 7))
    with pytest.raises(KeyboardInterrupt):
        run(Failing(KeyboardInterrupt(), model), tmp_path, tmp_path / 'out')


@pytest.mark.parametrize('size, extension', [
    ((2, 65501), '.jpg'), ((70000, 1), '.jpeg'), ((1, 16384), '.webp'), ((16384, 1), '.WEBP')])
def test_a_side_that_the_format_cannot_hold_is_found_before_any_work(tmp_path, size, extension):
    source = str(tmp_path / 'long.png')
    images.write(source, np.zeros(size + (3,), np.uint8))
    for target in ('a' + extension, 'a.png'):
        stylizer = Negative()
        summary = run(stylizer, source, tmp_path / target)
        if target == 'a.png':
            assert len(summary.done) == 1
            continue
        (_, reason), = summary.failed
        assert reason.startswith(str(tmp_path / target) + ': %dx%d is too large for ' % size[::-1])
        assert reason.endswith('pixels a side; write a .png') and not stylizer.shapes
    assert not (tmp_path / ('a' + extension)).exists()


def test_results_are_skipped_unless_overwritten_and_never_taken_for_pictures(tmp_path):
    write_pictures(tmp_path, [(5, 5)] * 2)
    assert len(run(Negative(), tmp_path, tmp_path / 'out').done) == 2
    stylizer = Negative()
    summary = run(stylizer, tmp_path, tmp_path / 'out')
    assert len(summary.skipped) == 2 and not summary.done and not stylizer.shapes
    assert len(run(stylizer, tmp_path, tmp_path / 'out', overwrite=True).done) == 2


def test_a_rerun_removes_what_a_killed_run_left_half_written(tmp_path):
    write_pictures(tmp_path, [(5, 5)] * 2)
    (tmp_path / 'out').mkdir()
    left, others = files.TEMPORARY % ('0' * 32), '.user.tmp'
    for name in (left, others):
        (tmp_path / 'out' / name).write_bytes(b'half')
    run(Negative(), tmp_path, tmp_path / 'out')
    assert sorted(os.listdir(str(tmp_path / 'out'))) == [others, '00.png', '01.png']


def test_transparency_and_the_photos_colours_are_kept(tmp_path):
    pixels = np.full([6, 7, 3], [200, 30, 40], np.uint8)
    alpha = np.arange(42, dtype=np.uint8).reshape(6, 7) + 1
    images.write(str(tmp_path / 'a.png'), pixels, alpha=alpha)
    run(Negative(), tmp_path, tmp_path / 'out', keep_color=True)
    result, kept = images.read_rgba(str(tmp_path / 'out' / 'a.png'))
    assert np.array_equal(kept, alpha)
    assert result[0, 0, 0] > result[0, 0, 1] + 40  # red still, where the negative is cyan


def test_reading_runs_ahead_and_writing_behind_the_network(tmp_path, monkeypatch, model):
    write_pictures(tmp_path, [(5, 5)] * 9)
    events, second_read = [], threading.Event()
    read, write = images.read_rgba, images.write

    def slow_read(path):
        if path.endswith('08.png'):
            second_read.set()
        return read(path)

    class Waiting(Negative):
        def stylize(self, pixels, style_weights):
            events.append(second_read.wait(20))  # the last is read while the first runs
            return super().stylize(pixels, style_weights)

    monkeypatch.setattr(images, 'read_rgba', slow_read)
    monkeypatch.setattr(images, 'write', lambda *args: (
        events.append(threading.current_thread() is not threading.main_thread()), write(*args)))
    run(Waiting(model), tmp_path, tmp_path / 'out')
    assert len(events) == 12 and all(events)


def test_a_decoder_never_runs_further_ahead_than_the_queue(tmp_path, monkeypatch):
    write_pictures(tmp_path, [(5, 5)] * 40)
    ahead, read = [0], images.read_rgba

    def counted(path):
        ahead[0] += 1
        return read(path)

    class Counting(Negative):
        def stylize(self, pixels, style_weights):
            ahead[0] -= 1
            most.append(ahead[0])
            return super().stylize(pixels, style_weights)

    most = []
    monkeypatch.setattr(images, 'read_rgba', counted)
    assert len(run(Counting(), tmp_path, tmp_path / 'out').done) == 40
    assert max(most) <= pipeline.AHEAD


def test_pictures_too_large_for_memory_run_in_tiles(tmp_path, stylizer, monkeypatch):
    write_pictures(tmp_path, [(300, 310), (40, 50)])
    counts = []
    # As if memory were enough for 256 x 256 pixels and no more.
    monkeypatch.setattr(pipeline, 'pixels_in', lambda size, width, engine: 256 ** 2)
    monkeypatch.setattr(pipeline.row_files, 'pixels_in', lambda size, width, engine: 256 ** 2)
    opened, engine = [], stylizer.engine
    monkeypatch.setattr(stylizer, 'engine', engine._replace(
        tiles=lambda: opened.append(engine.tiles()) or opened[-1]))
    summary = run(stylizer, tmp_path, tmp_path / 'out', exact=True,
                  on_tile=lambda job, done, total: counts.append((job.source[-6:], done, total)))
    assert len(summary.done) == 2 and not summary.failed
    assert counts[-1] == ('00.png', 32, 32)
    with pytest.raises(RuntimeError, match='closed'):  # the network of the tiles gives its memory back
        opened[0].gamma_beta(STYLE)
    for name in ('00.png', '01.png'):
        alone = stylizer.stylize(images.read(str(tmp_path / name)), STYLE)
        assert np.abs(images.read(str(tmp_path / 'out' / name)) - alone).max() < 0.51


def test_what_a_device_has_no_memory_for_runs_one_by_one_then_in_tiles(tmp_path, model):
    write_pictures(tmp_path, [(60, 70)] * 4 + [(300, 300)])
    stylizer = Negative(model, most=60 * 70 * 3)
    summary = run(stylizer, tmp_path, tmp_path / 'out')
    assert len(summary.done) == 5
    assert stylizer.shapes[:5] == [(4, 60, 70, 3)] + [(60, 70, 3)] * 4
    assert images.check(str(tmp_path / 'out' / '04.png')) == (300, 300)
    assert not np.array_equal(images.read(str(tmp_path / 'out' / '04.png')),
                              255 - images.read(str(tmp_path / '04.png')))  # the true network ran


def test_too_little_memory_for_any_tile_is_one_line_that_says_how_much(tmp_path, stylizer):
    write_pictures(tmp_path, [(300, 310)])
    summary = run(stylizer, tmp_path, tmp_path / 'out', max_memory=10 ** 6)
    reason = summary.failed[0][1]
    assert reason.startswith(str(tmp_path / '00.png')) and '--max_memory 1MB' in reason
    assert not (tmp_path / 'out' / '00.png').exists()


def test_the_script_runs_in_tiles_and_refuses_a_size_that_is_none(tmp_path, model):
    write_pictures(tmp_path, [(20, 30)])
    flags = ['--model', model, '--input', tmp_path / '00.png', '--output', tmp_path / 'o.png']
    bad, good = running.many([['stylize.py'] + flags + ['--max_memory', '2 pounds'],
                              ['stylize.py'] + flags + ['--max_memory', '2GB', '--exact']])
    assert bad.returncode == 2
    assert bad.stderr == ('error: --max_memory 2 pounds is not a size of memory, such as 2GB or '
                          '500MB\n')
    assert good.returncode == 0 and good.stdout == '1 done, 0 skipped, 0 failed\n', good.stderr


def test_ctrl_c_ends_a_batch_soon_with_whole_results_and_nothing_else(tmp_path, model):
    write_pictures(tmp_path, [(64, 64 + 4 * number) for number in range(300)])
    out = tmp_path / 'out'
    process = running.start(
        running.argv('stylize.py', '--model', model, '--input', tmp_path, '--output', out))
    deadline = time.time() + running.TIMEOUT
    while not (out.is_dir() and len(os.listdir(str(out))) > 3) and time.time() < deadline:
        if process.poll() is not None:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=running.TIMEOUT)
    assert process.returncode == 130 and stderr.strip() == 'stopped', stderr
    names = os.listdir(str(out))
    assert 3 < len(names) < 300 and not [name for name in names if name.startswith('.')]
    for name in names:
        assert images.read(str(out / name)).shape == images.read(str(tmp_path / name)).shape


@pytest.mark.slow
def test_the_script_holds_no_more_than_max_memory(tmp_path, model, face):
    (tmp_path / 'in').mkdir()
    for number in range(6):
        images.write(str(tmp_path / 'in' / ('%d.jpg' % number)), images.resize(face, 640, 480))
    images.write(str(tmp_path / 'in' / 'large.png'), images.resize(face, 1600, 1200))
    code = """
import os, runpy, sys
from resnet_in_tf import memory
end = os._exit
def tell(status):
    print('peak', memory.peak(), flush=True)
    end(status)
os._exit = tell
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name='__main__')
"""
    peaks = []
    for limit in ('1600MB', '640MB'):
        command = running.argv('stylize.py', '--model', model, '--input', tmp_path / 'in', '--output',
                               tmp_path / limit, '--max_memory', limit, '--preserve_color')
        result = subprocess.run([sys.executable, '-c', code] + command[1:], cwd=running.ROOT, check=True,
                                stdout=subprocess.PIPE, universal_newlines=True)
        assert result.stdout.startswith('7 done, 0 skipped, 0 failed\n')
        peaks.append(int(result.stdout.split()[-1]))
        assert peaks[-1] <= memory.parse_size(limit)
    assert peaks[0] > memory.parse_size('640MB')  # the smaller limit is one
