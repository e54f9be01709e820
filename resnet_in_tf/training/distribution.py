"""Training on several devices and machines: who gets which samples, and sums over all of them.

A replica is one device of one worker (process). Each has a batch of its own, and together they take the
step that one device would take with all of their samples: losses are means over the global batch.
"""

import hashlib
import os
import signal
import warnings

import tensorflow.compat.v1 as tf
from tensorflow.python.distribute import distribute_coordinator

from resnet_in_tf.errors import UserError
from resnet_in_tf.graphs import gpu_is_visible
from resnet_in_tf.network.generator import SYSTEMS
from resnet_in_tf.numerals import whole
from resnet_in_tf.perceptual.objective import FURTHER
from resnet_in_tf.training import run_record
from resnet_in_tf.training.hooks import StopOnSignal
from resnet_in_tf.training.team import digest

# Parts of the objective that are means by a share of each sample; all others are plain means.
OF_PAINTED, OF_IDENTITY = ('content', 'style', 'total_variation') + FURTHER, ('identity_pixel',)
STOP, STOPPING = 'stop_here', 'report/stop'
MOST_DEVICES = 64  # of one machine
MACHINES_OWN = ('vgg_weights', 'impl', 'devices')  # what each may be told in its own way


def count_devices(wanted, workers=1):
    """How many devices of this machine train.

    Args:
        wanted: --devices, 'all' or a number as text.
        workers: how many processes train together.

    Returns:
        int. Without a GPU it is the number of parts that the CPU plays, and 'all' is one.

    Raises:
        UserError: it is no such number, or there are not as many.
    """
    gpus = len(tf.config.experimental.list_physical_devices('GPU')) if gpu_is_visible() else 0
    if wanted == 'all':
        return max(1, gpus)
    count = whole(wanted, MOST_DEVICES)
    if not count:
        raise UserError('--devices %s: it must be all, or a number from 1 to %d' % (wanted, MOST_DEVICES))
    if count > 1 and gpus and count > gpus:
        raise UserError('--devices %s: this machine has %d' % (wanted, gpus))
    if count > 1 and not gpus and workers > 1:
        raise UserError('--devices %s: a worker without a GPU has one device; start more workers' % wanted)
    return count


def check(config, crew):
    """How many replicas a run has: int.

    Args:
        config: dict with system and devices.
        crew: team.Team.

    Raises:
        UserError: there are not as many devices, or the system cannot be trained on several.
    """
    count = count_devices(config['devices'], crew.size) * crew.size
    if count > 1 and SYSTEMS[config['system']].normalization == 'batch':
        raise UserError('--system %s: batch normalization needs all samples of a step on one device: leave '
                        '--devices and TF_CONFIG out' % config['system'])
    return count


def same_flags(crew, config):
    """Raises UserError where the workers were told otherwise.

    Args:
        crew: team.Team.
        config: dict of what this one was told. A picture's or network's file may lie elsewhere.
    """
    told = {'--' + run_record.FLAGS.get(name, name): value for name, value in config.items()
            if name not in MACHINES_OWN}
    told['--style'] = [os.path.basename(path) for path in config['styles']]
    told['--from'] = config['start'] and config['start']['sha256'][:12]
    crew.agree(told, '{chief} and {worker} have different flags: {names}; start the same command on both')


def same_files(crew, model_dir, record, photo_names, start, held_out):
    """Raises UserError where the workers do not see the same files, or have not one folder for the run.

    Args:
        crew: team.Team.
        model_dir, record: the run; the chief has written its record.
        photo_names: names of the photos.
        start: step of the newest checkpoint.
        held_out: uint8 [M, H, W, 3], or None.
    """
    seen = {'--coco_images': digest(photo_names), '--style': digest(record['styles']),
            '--vgg_weights': record['loss_network']['checksum'][:12],
            '--styles_dir': digest(record.get('style_pictures')), 'photos that are held out':
            0 if held_out is None else len(held_out), 'newest checkpoint in --model_dir': start}
    crew.agree(seen, '{chief} and {worker} do not see the same files: {names}')
    created = crew.tell(record['created'])
    try:
        shared = run_record.read(model_dir)['created'] == created
    except UserError:
        shared = False
    if not shared:
        raise UserError('--model_dir %s: is not the folder of %s; all need one that they share'
                        % (model_dir, crew.name(0)))


def run(estimator, samples, hooks, steps, workers):
    """Trains to a step.

    Args:
        estimator: tf.estimator.Estimator.
        samples: its input_fn, which takes an `input_context`.
        hooks: list of tf.train.SessionRunHook.
        steps: the step to stop at.
        workers: how many processes train together.
    """
    try:
        with warnings.catch_warnings(), tf.Graph().as_default():  # else TensorFlow 2 made parts of it eagerly
            warnings.filterwarnings('ignore', message='.*preserve tf.data options')
            if workers == 1:
                estimator.train(samples, hooks=hooks, max_steps=steps)
            else:
                tf.estimator.train_and_evaluate(estimator, tf.estimator.TrainSpec(samples, steps, hooks),
                                                tf.estimator.EvalSpec(samples))
    finally:
        # It cannot be stopped, and if it ended with the interpreter, TensorFlow 1.15 would show a Traceback.
        vars(distribute_coordinator._thread_local).pop('server', None)


def open_strategy(devices, workers, session):
    """How TensorFlow trains on all devices together.

    Args:
        devices: of this machine, `count_devices`.
        workers: how many processes train together, as TF_CONFIG names them.
        session: tf.ConfigProto; it is told of the devices.

    Returns:
        tf.distribute.Strategy, or None where one device trains alone.
    """
    kind = 'gpu' if gpu_is_visible() else 'cpu'
    if kind == 'gpu' and workers > 1:  # the strategy takes all that it sees
        gpus = tf.config.experimental.list_physical_devices('GPU')
        tf.config.experimental.set_visible_devices(gpus[:devices], 'GPU')
        session.gpu_options.visible_device_list = ','.join(map(str, range(devices)))
    if kind == 'cpu':
        session.device_count['CPU'] = devices
    with tf.Graph().as_default():  # else it would work eagerly, which the Estimator does not
        if workers > 1:
            return tf.distribute.experimental.MultiWorkerMirroredStrategy()
        if devices > 1:
            return tf.distribute.MirroredStrategy(['/%s:%d' % (kind, number) for number in range(devices)])
    return None


def positions(start, stop, size, context=None):
    """The positions of the samples that a worker reads, in its order.

    Position p goes to replica p mod R, and so to worker p mod W: what R replicas see in a step is what one
    device sees with R times the batch.

    Args:
        start, stop: first step and the one after the last.
        size: samples a step of each replica.
        context: tf.distribute.InputContext, or None for one replica.

    Returns:
        tf.data.Dataset of int64.
    """
    if context is None:
        return tf.data.Dataset.range(start * size, stop * size)
    workers, replicas = context.num_input_pipelines, context.num_replicas_in_sync
    own = replicas // workers * size  # samples that this worker reads for a step

    def position(number):
        step, place = number // own, number % own
        replica = place // size * workers + context.input_pipeline_id
        return (step * size + place % size) * replicas + replica
    return tf.data.Dataset.range(start * own, stop * own).map(position)


def replicas():
    """How many replicas train together: int. To be asked where one replica's part is built."""
    return tf.distribute.get_replica_context().num_replicas_in_sync


def add(values):
    """Sums over all replicas: list of tensors like `values`, the same for every replica."""
    def merge(strategy, values):
        return strategy.extended.batch_reduce_to(tf.distribute.ReduceOp.SUM,
                                                 [(value, value) for value in values])
    if replicas() == 1:
        return values
    return tf.distribute.get_replica_context().merge_call(merge, args=(values,))


def global_parts(parts, mix):
    """The parts of the objective for the global batch; the tensors `report/<part>` of the graph.

    The training op waits for them: a sum that one worker alone asked for would wait for ever.

    Args:
        parts: dict of name -> float32 scalar, of this replica's samples.
        mix: float32 [N, S + 1], as in objective.training_losses.

    Returns:
        dict like `parts`.
    """
    stop = tf.placeholder_with_default(0.0, [], STOP)
    if replicas() > 1:
        identity, names = mix[:, -1], sorted(parts)
        shares = dict({name: tf.reduce_sum(1.0 - identity) for name in OF_PAINTED},
                      **{name: tf.reduce_sum(identity) for name in OF_IDENTITY})
        weights = tf.stack([shares.get(name, 1.0) for name in names])
        sums, weights, stop = add([tf.stack([parts[name] for name in names]) * weights, weights, stop])
        means = sums / tf.maximum(weights, 1e-6)
        parts = {name: means[place] for place, name in enumerate(names)}
        tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, means)
        tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, stop)
    tf.identity(stop, name=STOPPING)
    return {name: tf.identity(value, name='report/' + name) for name, value in parts.items()}


def clip(gradients, largest):
    """Scales gradients of the global batch down to the global norm `largest`.

    Args:
        gradients: list of tensors, of this replica's share of the loss.
        largest: number.

    Returns:
        list of tensors that an optimiser may add up over replicas.
    """
    clipped, _ = tf.clip_by_global_norm(add(gradients), largest)
    return [gradient / replicas() for gradient in clipped]


def name_of(variable):
    """A variable's name in checkpoints, also of the copies that replicas have of it."""
    return variable.name.split(':')[0]


def copies(variable):
    """The copies of a variable that the devices have, itself where there is one device: list."""
    return list(getattr(variable, 'values', None) or [variable])


def first_values(seed):
    """A getter for tf.variable_scope by which first values follow from the seed and a variable's name.

    TensorFlow numbers them by what else is in the graph, which is not the same on one device and on two.
    """
    def first(getter, name, *args, **kwargs):  # TensorFlow asks for these names
        initializer = kwargs.get('initializer')
        if isinstance(initializer, tf.variance_scaling_initializer):
            text = '%d %s' % (seed, name)
            own = int(hashlib.sha256(text.encode('utf-8')).hexdigest()[:7], 16)
            kwargs['initializer'] = type(initializer).from_config(dict(initializer.get_config(), seed=own))
        return getter(name, *args, **kwargs)
    return first


class StopTogether(StopOnSignal):
    """A signal to one worker ends all after one and the same step."""

    def begin(self):
        graph = tf.get_default_graph()
        self.mine, self.all = [graph.get_tensor_by_name(name + ':0') for name in (STOP, STOPPING)]

    def before_run(self, run_context):
        return tf.train.SessionRunArgs(self.all, {self.mine: float(bool(self.signal))})

    def after_run(self, run_context, run_values):
        if run_values.results:
            self.signal = self.signal or signal.SIGTERM
            run_context.request_stop()
