"""Several devices: each sample goes to one of them, and sums over them are those of one batch."""

import re
import types

import numpy as np
import pytest
import teams
import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.training import distribution, run_record, team, warm_start


def read(dataset):
    """Every element of a dataset of numbers."""
    found = tf.data.make_one_shot_iterator(dataset.batch(1000)).get_next()
    with tf.Session() as session:
        return session.run(found).tolist()


@pytest.mark.parametrize('workers, devices', [(1, 1), (2, 1), (3, 1), (1, 2), (2, 2)])
def test_each_step_sees_the_samples_of_one_device_and_a_worker_those_of_its_number(workers, devices):
    size, start, stop, replicas = 3, 2, 5, workers * devices
    with tf.Graph().as_default():
        seen = [read(distribution.positions(start, stop, size, types.SimpleNamespace(
            num_input_pipelines=workers, input_pipeline_id=index, num_replicas_in_sync=replicas)))
            for index in range(workers)]
        alone = read(distribution.positions(start, stop, size * replicas))
    for index, numbers in enumerate(seen):
        assert all(number % workers == index for number in numbers)
    steps = np.reshape(seen, [workers, stop - start, devices * size])
    assert [sorted(step) for step in steps.transpose([1, 0, 2]).reshape([stop - start, -1]).tolist()] == (
        np.reshape(alone, [stop - start, -1]).tolist())


@pytest.fixture
def gpus(monkeypatch):
    """Returns a function that makes the machine one with so many GPUs."""
    def give(count):
        monkeypatch.setattr(distribution, 'gpu_is_visible', lambda: bool(count))
        monkeypatch.setattr(tf.config.experimental, 'list_physical_devices', lambda kind: [kind] * count)
    return give


def test_devices_are_all_gpus_or_so_many_and_the_cpu_is_one(gpus):
    gpus(4)
    assert [distribution.count_devices(wanted) for wanted in ('all', '1', '3')] == [4, 1, 3]
    gpus(0)
    assert [distribution.count_devices(wanted) for wanted in ('all', '1', '2')] == [1, 1, 2]


@pytest.mark.parametrize('wanted, there, workers, words', [
    ('0', 0, 1, 'a number from 1 to 64'), ('-1', 0, 1, 'a number'), ('65', 0, 1, 'a number'),
    ('\u00b2', 0, 1, 'a number'), pytest.param('9' * 5000, 0, 1, 'a number', id='5000 digits'),
    ('two', 4, 1, 'all, or a number'),
    ('5', 4, 1, 'this machine has 4'), ('2', 0, 2, 'one device')])
def test_devices_that_cannot_be_are_one_line(gpus, wanted, there, workers, words):
    gpus(there)
    with pytest.raises(UserError, match='^--devices %s: .*%s' % (wanted, words)):
        distribution.count_devices(wanted, workers)


def test_batch_normalization_is_refused_on_several_devices():
    alone = team.Team(None)
    for system in ('cnn_bn', 'fnst'):
        assert distribution.check({'system': system, 'devices': '1'}, alone) == 1
        with pytest.raises(UserError, match='^--system %s: batch normalization' % system):
            distribution.check({'system': system, 'devices': '2'}, alone)
    assert distribution.check({'system': 'resnet_in', 'devices': '2'}, alone) == 2


@pytest.mark.parametrize('shared, photos, words', [
    (True, 'a', None), (False, 'a', r'^--model_dir .*two: is not the folder of the chief'),
    (True, 'b', r'do not see the same files: --coco_images \(\w+ and \w+\)$')])
def test_workers_without_one_folder_or_with_other_photos_are_one_line(tmp_path, shared, photos, words):
    record = {'created': 'now', 'styles': [{}], 'style_names': ['a'], 'loss_network': {'checksum': 'c'},
              'config': {}, 'split': {}, 'versions': {}}
    folders = [str(tmp_path / name) for name in ('one', 'one' if shared else 'two')]
    run_record.write(folders[0], record)
    found = teams.together(teams.free_addresses(2), lambda crew: distribution.same_files(
        crew, folders[crew.index], dict(record), ['a', photos if crew.index else 'a'], 0, None))
    if words is None:
        assert found == [None, None]
    else:
        assert re.search(words, str(found[1]))


def on_two(build):
    """What build(number of the replica) gives on two devices: list of two results."""
    config = tf.ConfigProto()
    strategy = distribution.open_strategy(2, 1, config)
    with tf.Graph().as_default(), strategy.scope():
        numbers = iter(range(2))  # replicas are built one after another
        built = strategy.extended.call_for_each_replica(lambda: build(next(numbers)))
        tensors = [strategy.experimental_local_results(each) for each in built]
        with tf.Session(config=config) as session:
            return session.run(tensors)


def test_what_training_begins_with_is_on_every_device():
    config = tf.ConfigProto()
    strategy = distribution.open_strategy(2, 1, config)
    values = {'a': np.float32([1, 2]), 'b': np.float32([[3]])}
    with tf.Graph().as_default(), strategy.scope():
        variables = [tf.get_variable(name, value.shape) for name, value in values.items()]
        held = [distribution.copies(variable) for variable in variables]
        with tf.Session(config=config) as session:
            session.run(tf.global_variables_initializer())
            warm_start.assign(variables, values, session)
            found = session.run(held)
    for value, each in zip(values.values(), found):
        assert [copy.tolist() for copy in each] == [value.tolist()] * 2


def test_gradients_are_clipped_by_the_norm_of_the_whole_batch():
    own = np.array([[3.0, 0.0], [0.0, 4.0]], np.float32)  # together [3, 4], of norm 5
    found = on_two(lambda replica: distribution.clip([tf.constant(own[replica])], 1.0))
    assert np.sum(found[0], 0) == pytest.approx([0.6, 0.8])
    assert found[0][0] == pytest.approx(found[0][1])


def test_reported_parts_are_means_over_all_samples_that_they_are_of():
    painted, pixel, spikes = [2.0, 7.0], [0.0, 5.0], [1.0, 3.0]
    # Two painted samples; one, and an identity.
    mixes = [[[1.0, 0.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]]

    def build(replica):
        parts = {'content': painted[replica], 'identity_pixel': pixel[replica], 'spikes': spikes[replica]}
        found = distribution.global_parts({name: tf.constant(value) for name, value in parts.items()},
                                    tf.constant(mixes[replica]))
        return [found[name] for name in sorted(found)]
    for content, pixels, mean in np.transpose(on_two(build)):
        assert (content, pixels, mean) == pytest.approx(((2 * 2 + 7) / 3, 5, 2))


def test_first_values_follow_from_seed_and_name_alone():
    def values(seed, before):
        with tf.Graph().as_default(), tf.Session() as session:
            for number in range(before):
                tf.constant(number)
            with tf.variable_scope('', custom_getter=distribution.first_values(seed)):
                made = [tf.get_variable(name, [4, 4], initializer=tf.variance_scaling_initializer(2.0))
                        for name in ('a', 'b')]
            session.run(tf.global_variables_initializer())
            return session.run(made)
    first = values(1, 0)
    assert np.array_equal(first, values(1, 5)) and not np.array_equal(first, values(2, 0))
    assert not np.array_equal(*first)
