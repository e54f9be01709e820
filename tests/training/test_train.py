"""Training: real runs that learn, are stopped in every way there is, and go on as if they were not."""

import glob
import os
import shutil
import signal

import h5py
import numpy as np
import pytest
import running
import tensorflow.compat.v1 as tf
from short_runs import history, short

from resnet_in_tf.errors import UserError
from resnet_in_tf.perceptual import vgg
from resnet_in_tf.perceptual.architectures import ARCHITECTURES
from resnet_in_tf.perceptual.loss_defaults import loss_defaults
from resnet_in_tf.perceptual.targets import style_targets
from resnet_in_tf.pictures import images
from resnet_in_tf.training import checkpoints, config, run_record, train
from resnet_in_tf.training.paintings import check_styles, read_painting, style_name

MEGABYTE = 1000 ** 2


def sizes(folder):
    return {name: os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder)}


def copy_of(run, folder):
    """A copy of a finished run: (its flags, its folder)."""
    model_dir = str(folder / 'copy')
    shutil.copytree(run.model_dir, model_dir)
    return [flag if not flag.startswith('--model_dir=') else '--model_dir=' + model_dir
            for flag in run.command], model_dir


# What a run leaves behind.

def test_a_short_run_lowers_the_loss(tiny_run):
    rows = history(tiny_run.model_dir)
    assert [row['step'] for row in rows] == list(range(1, 25))
    for part in ('total', 'style'):
        first, last = [np.mean([row[part] for row in part_rows])
                       for part_rows in (rows[:6], rows[-6:])]
        assert last < 0.7 * first


def test_progress_is_told_in_plain_lines(tiny_run):
    lines = tiny_run.output.splitlines()
    assert lines[0] == '2 styles, 10 photos to train on, 2 to test; steps 0 to 24'
    assert lines[12].startswith('step 12 of 24  total ') and 'images/s' in lines[12]
    assert lines[-1] == 'Finished: 24 steps in %s' % tiny_run.model_dir


def test_the_record_holds_flags_versions_split_paintings_and_losses(tiny_run, photo_folder):
    record = run_record.read(tiny_run.model_dir)
    assert record['status'] == 'finished' and record['step'] == 24
    assert record['config']['learning_rate'] == 0.005 and record['config']['seed'] == 0
    assert record['config']['style_layers'] == ['input', 'relu1_1', 'relu2_1']
    assert record['versions']['tensorflow'] == tf.__version__
    split = record['split']
    assert (len(split['train']), len(split['test'])) == (10, 2)
    assert sorted(split['train'] + split['test']) == sorted(os.listdir(photo_folder))
    assert record['style_names'] == ['waves', 'tiles', 'identity']
    assert [style['file'] for style in record['styles']] == ['waves.png', 'tiles.jpg']
    assert record['losses']['total'] == history(tiny_run.model_dir)[-1]['total']
    assert record['broken_photos'] == [] and len(record['loss_network']['checksum']) == 64


def test_tensorboard_gets_every_loss_and_a_triptych(tiny_run):
    scalars, pictures = {}, []
    for path in glob.glob(os.path.join(tiny_run.model_dir, 'events.out.tfevents.*')):
        for event in tf.train.summary_iterator(path):
            for value in event.summary.value:
                if value.HasField('image'):
                    pictures.append(images.decode(value.image.encoded_image_string, 'triptych'))
                elif value.HasField('simple_value'):
                    scalars.setdefault(value.tag, []).append(value.simple_value)
    assert {'losses/' + part for part in ('total', 'content', 'style', 'total_variation',
                                          'identity_pixel')} <= set(scalars)
    assert len(scalars['losses/total']) >= 24 and len(pictures) == 2
    assert pictures[0].shape == (32, 96, 3)


def test_the_loss_network_is_in_no_file(tiny_run):
    found = sizes(tiny_run.model_dir)
    assert {'run.json', 'history.csv', 'graph.pbtxt', 'checkpoint'} < set(found)
    kernels = vgg.open_weights('random', ('relu2_1',)).kernels
    for name in found:
        if os.path.isfile(os.path.join(tiny_run.model_dir, name)):
            with open(os.path.join(tiny_run.model_dir, name), 'rb') as file:
                data = file.read()
            assert not [kernel for kernel, _ in kernels.values() if kernel.tobytes()[:256] in data], name
    names = tf.train.load_checkpoint(
        tf.train.latest_checkpoint(tiny_run.model_dir)).get_variable_to_shape_map()
    assert not [name for name in names if 'vgg' in name or 'gram' in name or 'paintings' in name]
    assert all(name.startswith(('generator/', 'global_step', 'beta1_power', 'beta2_power'))
               for name in names)
    assert len(list(glob.glob(os.path.join(tiny_run.model_dir, '*.index')))) == 2


@pytest.mark.slow
def test_no_file_of_a_full_network_is_over_40_mb(tmp_path, paintings, photo_folder):
    short(paintings, photo_folder, tmp_path / 'run', width=32, train_steps=1, batch_size=1)
    found = sizes(str(tmp_path / 'run'))
    assert max(found.values()) < 40 * MEGABYTE and sum(found.values()) < 60 * MEGABYTE
    checkpoint = [size for name, size in found.items() if '.data-' in name]
    assert len(checkpoint) == 2 and min(checkpoint) > 19 * MEGABYTE  # weights and Adam's two slots


# Running the same command again, and others.

def test_a_finished_run_says_so_and_does_nothing(tmp_path, tiny_run):
    command, model_dir = copy_of(tiny_run, tmp_path)
    run_record.write(model_dir, dict(run_record.read(model_dir), status='stopped'))
    before = sizes(model_dir)
    results = running.many([['train.py'] + command, ['train.py'] + command + ['--train_steps=20']])
    for result, steps in zip(results, (24, 20)):
        assert result.returncode == 0 and result.stderr == ''
        assert result.stdout == ('This run is finished: 24 of %d steps are in %s. Give a higher '
                                 '--train_steps to go on, or another --model_dir.\n' % (steps, model_dir))
    assert sizes(model_dir) == before


def test_a_run_that_was_killed_after_its_last_step_is_recorded_as_finished(tmp_path, tiny_run):
    command, model_dir = copy_of(tiny_run, tmp_path)
    done = run_record.read(model_dir)
    broken = {key: value for key, value in done.items() if key not in ('losses', 'broken_photos')}
    run_record.write(model_dir, dict(broken, status='running'))
    assert running.script('train.py', *command).returncode == 0
    found = run_record.read(model_dir)
    assert found == dict(done, losses=found['losses']) and found['status'] == 'finished'
    assert found['losses'] == {name: pytest.approx(value, rel=1e-5) for name, value in done['losses'].items()}


def test_another_command_on_the_same_folder_is_refused(tmp_path, tiny_run, photo_folder, paintings):
    command, model_dir = copy_of(tiny_run, tmp_path)
    wrong = paintings[0] + '.jpg'
    shutil.copy(paintings[1], wrong)
    results = running.many([['train.py'] + command + extra for extra in (
        ['--batch_size=2'], ['--style=' + wrong], ['--seed=1'], ['--learning_rate=0.1'])])
    for result, flag in zip(results, ('batch_size 4', 'style', 'seed 0', 'learning_rate 0.005')):
        assert result.returncode == 2 and result.stdout == '' and result.stderr.count('\n') == 1
        assert '%s holds a run with --%s' % (model_dir, flag) in result.stderr
    os.remove(wrong)


@pytest.fixture
def no_steps(monkeypatch):
    """Keeps runs from training; gives the list of (Photos, first step) that they would have taken."""
    taken = []
    monkeypatch.setattr(train, 'run_estimator', lambda params, photos, start, *rest:
                        taken.append((photos, start)))
    return taken


def test_a_run_goes_on_with_its_photos_whatever_came_into_the_folder(
        tmp_path, paintings, photo_folder, no_steps):
    photos = str(tmp_path / 'photos')
    shutil.copytree(photo_folder, photos)
    short(paintings, photos, tmp_path / 'run')
    shutil.copy(os.path.join(photos, '00.jpg'), os.path.join(photos, '000.jpg'))
    short(paintings, photos, tmp_path / 'run')
    assert no_steps[0][0].names == no_steps[1][0].names != []
    short(paintings, photos, tmp_path / 'other')
    assert '000.jpg' in no_steps[2][0].names + run_record.read(str(tmp_path / 'other'))['split']['test']


def test_a_painting_that_was_replaced_stops_the_resume(tmp_path, paintings, photo_folder, no_steps):
    painting = str(tmp_path / 'mine.png')
    shutil.copy(paintings[0], painting)
    short([painting], photo_folder, tmp_path / 'run')
    images.write(painting, images.read(paintings[1]))
    with pytest.raises(UserError, match='^--style .*mine.png: another file than the run began with'):
        short([painting], photo_folder, tmp_path / 'run')
    assert len(no_steps) == 1


def test_photos_may_move_and_be_named_otherwise_between_two_parts_of_a_run(
        tmp_path, paintings, photo_folder, no_steps, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(photo_folder, 'photos')
    for place in ('photos/', 'photos', './photos', str(tmp_path / 'photos')):
        short(paintings, place, tmp_path / 'run')
    os.rename('photos', 'elsewhere')
    short(paintings, 'elsewhere', tmp_path / 'run')
    assert len(no_steps) == 5 and len({tuple(photos.names) for photos, _ in no_steps}) == 1
    record = run_record.read(str(tmp_path / 'run'))
    assert record['places']['coco_images'] == 'elsewhere'


def test_a_loss_network_is_the_same_whatever_it_is_called_and_another_is_refused(
        tmp_path, paintings, photo_folder, no_steps):
    short(paintings, photo_folder, tmp_path / 'run', vgg_weights='random')
    short(paintings, photo_folder, tmp_path / 'run', vgg_weights='random:0')
    assert len(no_steps) == 2
    with pytest.raises(UserError, match='^--vgg_weights random:1: another loss network than the run in '
                                        '--model_dir .* began with'):
        short(paintings, photo_folder, tmp_path / 'run', vgg_weights='random:1')
    assert len(no_steps) == 2


def test_a_weight_file_may_move_and_one_that_was_replaced_stops_the_resume(
        tmp_path, paintings, photo_folder, no_steps):
    def write(path, seed):
        random = np.random.RandomState(seed)
        with h5py.File(str(path), 'w') as file:
            for layer, c_in, c_out in ARCHITECTURES['VGG-16']:
                group = file.create_group('block%s_conv%s' % (layer[4], layer[6]))
                first = layer == 'conv1_1'  # the others are not used, and zeros pack well
                group.create_dataset('kernel:0', data=random.rand(3, 3, c_in, c_out) if first else
                                     np.zeros([3, 3, c_in, c_out]), dtype='float32', compression='gzip')
                group.create_dataset('bias:0', data=np.zeros(c_out), dtype='float32')
    write(tmp_path / 'one.h5', 0)
    short(paintings, photo_folder, tmp_path / 'run', vgg_weights=str(tmp_path / 'one.h5'))
    os.rename(str(tmp_path / 'one.h5'), str(tmp_path / 'two.h5'))
    short(paintings, photo_folder, tmp_path / 'run', vgg_weights=str(tmp_path / 'two.h5'))
    write(tmp_path / 'two.h5', 1)
    with pytest.raises(UserError, match='^--vgg_weights .*two.h5: another loss network'):
        short(paintings, photo_folder, tmp_path / 'run', vgg_weights=str(tmp_path / 'two.h5'))
    assert len(no_steps) == 2


def test_each_run_of_one_process_writes_its_own_events_and_rows_come_before_checkpoints(
        tmp_path, paintings, photo_folder):
    for name in ('one', 'two'):
        folder = str(tmp_path / name)
        seen = []

        def show(line, folder=folder, seen=seen):
            if line.startswith('step '):
                seen.append((history(folder)[-1]['step'], checkpoints.newest_step(folder)))
        short(paintings, photo_folder, folder, save_steps=1, log_steps=1, show=show)
        assert seen == [(1, 0), (2, 1)] and checkpoints.newest_step(folder) == 2
        steps = [event.step for path in glob.glob(os.path.join(folder, 'events.out.tfevents.*'))
                 for event in tf.train.summary_iterator(path) if event.HasField('summary')]
        assert set(steps) >= {1, 2}, name


def test_a_run_that_the_disk_ends_is_failed_in_its_record_even_where_nothing_can_be_written(
        tmp_path, paintings, photo_folder, monkeypatch):
    def full(path, data):
        raise UserError('%s: cannot be written (No space left on device)' % path)

    def stop(*arguments):
        monkeypatch.setattr(run_record.files, 'write_file', full)
        raise UserError('the run stopped: no space left')
    monkeypatch.setattr(train, 'run_estimator', stop)
    with pytest.raises(UserError, match='^the run stopped: no space left$'):
        short(paintings, photo_folder, tmp_path / 'run')
    monkeypatch.undo()
    assert run_record.read(str(tmp_path / 'run'))['status'] == 'failed'


def test_two_passes_are_the_default_and_broken_photos_are_skipped_and_named(
        tmp_path, paintings, photo_folder, monkeypatch):
    monkeypatch.setattr(config, 'LEAST_STEPS', 2)
    photos = str(tmp_path / 'photos')
    os.mkdir(photos)
    shutil.copy(os.path.join(photo_folder, '00.jpg'), photos)
    for name in ('a.jpg', 'b.jpg'):
        with open(os.path.join(photos, name), 'wb') as file:
            file.write(b'no picture')
    record, lines = short(paintings[:1], photos, tmp_path / 'run', train_steps=None)
    assert record['step'] == 2 * 3 // 2 and record['status'] == 'finished'
    assert record['broken_photos'] == ['a.jpg', 'b.jpg'] and record['split']['test'] == []
    assert '2 photos could not be read and were skipped (named in run.json)' in lines


def test_photos_that_vanish_in_the_middle_of_a_run_are_one_line(tmp_path, paintings, photo_folder):
    photos = str(tmp_path / 'photos')
    shutil.copytree(photo_folder, photos)

    def show(line):
        if line.startswith('step 1 '):
            shutil.rmtree(photos)
    with pytest.raises(UserError, match='^--coco_images .*: no photo can be read any more'):
        short(paintings, photos, tmp_path / 'run', train_steps=50, log_steps=1, show=show)


# Stopping.

def stop_at(command, step, number):
    """Runs train.py until it reports a step, sends a signal: (exit status, stdout after it, stderr)."""
    process = running.start(running.argv('train.py', *command))
    for line in process.stdout:
        if line.startswith('step %d of ' % step):
            process.send_signal(number)
            break
    out, err = process.communicate(timeout=running.TIMEOUT)
    return process.returncode, out, err


@pytest.mark.slow
@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_a_checkpoint_and_exit_status_3(tmp_path, paintings, photo_folder, number):
    model_dir = str(tmp_path / 'run')
    status, out, err = stop_at(running.tiny_training(
        paintings[:1], photo_folder, model_dir, train_steps=100000, save_steps=50000, width=1,
        content_layers='relu1_1', style_layers='relu1_1', image_size=16), 3, number)
    assert status == 3 and err == ''
    step = checkpoints.newest_step(model_dir)
    assert 3 <= step < 100000
    assert out.splitlines()[-1] == 'Stopped; the same command goes on from step %d.' % step
    record = run_record.read(model_dir)
    assert record['status'] == 'stopped' and record['step'] == step


@pytest.mark.slow
def test_a_run_killed_at_step_12_goes_on_as_if_it_were_not(tmp_path, shared_data):
    mini = os.path.join(shared_data, 'coco_mini')
    whole, killed = [str(tmp_path / name) for name in ('whole', 'killed')]
    commands = [running.tiny_training(
        [os.path.join(shared_data, 'styles', 'wave.jpg')], os.path.join(mini, 'images'), model_dir,
        coco_annotations=os.path.join(mini, 'annotations', 'instances_mini.json'), width=8,
        # A low rate: rounding, which differs from run to run, must not grow to a per cent.
        train_steps=20, save_steps=5, learning_rate=0.00004) for model_dir in (whole, killed)]
    assert running.script('train.py', *commands[0]).returncode == 0
    assert stop_at(commands[1], 12, signal.SIGKILL)[0] == -signal.SIGKILL
    reached = history(killed)[-1]['step']
    saved = checkpoints.newest_step(killed)
    assert 12 <= reached < 20 and saved in (10, 15) and saved <= reached
    assert run_record.read(killed)['status'] == 'running'
    resumed = running.script('train.py', *commands[1])
    assert resumed.returncode == 0 and 'steps %d to 20\n' % saved in resumed.stdout
    assert run_record.read(killed)['step'] == 20
    assert run_record.read(killed)['split'] == run_record.read(whole)['split']
    assert [row['step'] for row in history(killed)] == list(range(1, 21))
    for one, other in zip(history(whole), history(killed)):
        assert one == pytest.approx(other, rel=0.01, abs=1e-5)  # a penalty may be next to nothing
    ends = [tf.train.load_checkpoint(tf.train.latest_checkpoint(path)) for path in (whole, killed)]
    slots = [name for name in ends[0].get_variable_to_shape_map() if '/Adam' in name]
    assert len(slots) == 2 * 47
    for kind in ('/Adam', '/Adam_1'):
        # All variables at once: of a beta that a later norm takes away again the slots are noise.
        one, other = [np.concatenate([reader.get_tensor(name).ravel() for name in sorted(slots)
                                      if name.endswith(kind)]) for reader in ends]
        # Slots that began anew at the kill would be some 50 % off.
        assert np.linalg.norm(one - other) <= 0.1 * np.linalg.norm(one), kind


def test_a_loss_that_becomes_nan_stops_the_run_and_keeps_the_last_good_checkpoint(
        tmp_path, paintings, photo_folder):
    model_dir = str(tmp_path / 'run')
    result = running.many([['train.py'] + running.tiny_training(
        paintings[:1], photo_folder, model_dir, train_steps=20, save_steps=15, learning_rate=1e20,
        content_layers='relu1_1', style_layers='relu1_1', image_size=16, width=1)])[0]
    assert result.returncode == 2 and result.stderr.count('\n') == 1
    assert result.stderr.startswith('error: the loss became NaN; the last good checkpoint, of step 0, '
                                    'is kept in ' + model_dir)
    assert '--learning_rate' in result.stderr
    reader = tf.train.load_checkpoint(tf.train.latest_checkpoint(model_dir))
    assert reader.get_tensor('global_step') == 0
    for name, dtype in reader.get_variable_to_dtype_map().items():
        assert dtype == tf.int64 or abs(reader.get_tensor(name)).max() < 1e6


# The parts.

def test_default_layers_are_gatys_for_trained_filters_and_shallower_for_random_ones():
    for weights in ('imagenet', '/some/vgg.h5'):
        assert loss_defaults(weights).content_layers == ('relu4_2',)
        assert loss_defaults(weights).style_layers == tuple('relu%d_1' % n for n in range(1, 6))
    assert loss_defaults('random:7').content_layers == ('lightness', 'relu3_1')
    assert 'relu4_1' in loss_defaults('random').style_layers


def test_a_style_is_called_as_its_file_without_what_means_something_in_a_mix():
    assert style_name('/a/b/wave.jpg') == 'wave'
    assert style_name('cafe\u0301.png') == style_name('caf\u00e9.jpg') == 'caf\u00e9'
    assert style_name('one:two, three.large.png') == 'one_two_ three.large'
    assert check_styles(['a/wave.jpg', 'b/tiles.png']) == ['wave', 'tiles']


@pytest.mark.parametrize('styles, words', [
    (['a/wave.jpg', 'b/wave.png'], "two paintings are called 'wave'"), (['7.jpg'], "'7' cannot name"),
    (['identity.png'], "'identity' cannot name"), (['a/ .jpg'], "'' cannot name"), ([], 'is missing')])
def test_names_that_would_be_ambiguous_are_refused(styles, words):
    with pytest.raises(UserError, match='^--style.*' + words):
        check_styles(styles)


def test_paintings_are_made_smaller_never_larger(paintings):
    assert read_painting(paintings[0], 512).shape == (60, 80, 3)
    assert read_painting(paintings[0], 40).shape == (30, 40, 3)


def test_style_targets_are_gram_matrices_of_each_painting_at_its_own_size(paintings):
    layers = ('input', 'relu1_1')
    weights = vgg.open_weights('random:1', layers)
    pictures = [images.read(paintings[0]), images.read(paintings[1])[:21, :34]]
    targets = style_targets(pictures, layers, weights)
    for number, picture in enumerate(pictures):
        features = vgg.evaluate(picture[None].astype('float32'), layers, weights)
        for layer in layers:
            flat = features[layer].reshape([-1, features[layer].shape[-1]])
            assert targets[layer][number] == pytest.approx(flat.T @ flat / len(flat), rel=1e-3, abs=1e-3)


def test_bfloat16_is_refused_where_tensorflow_lacks_it(tmp_path, paintings, photo_folder):
    if tf.__version__.startswith('2.'):
        record, _ = short(paintings, photo_folder, tmp_path / 'run', bfloat16=True)
        assert record['step'] == 2
    else:
        with pytest.raises(UserError, match='--bfloat16 needs TensorFlow 2.15'):
            short(paintings, photo_folder, tmp_path / 'run', bfloat16=True)
