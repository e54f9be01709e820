"""The Estimator's model_fn: generator, VGG-19, losses, optimiser and summaries in one graph."""

import tensorflow.compat.v1 as tf

from resnet_in_tf.network.generator import generator
from resnet_in_tf.perceptual import vgg
from resnet_in_tf.perceptual.objective import PARTS, training_losses
from resnet_in_tf.training import warm_start

# Times the learning rate for gamma and beta: they alone tell the styles apart, and each row sees
# but its own style's samples. At the filters' rate eight styles were still one after 900 steps.
TABLE_RATE = 5.0


def model_fn(features, labels, mode, params):
    """Builds training or evaluation of one system on a batch of photos.

    Args:
        features: {'photo': float32 [N, H, W, 3] in [0, 255], 'style_weights': float32 [N, S + 1]},
            where the last column is `identity`.
        labels: None.
        mode: tf.estimator.ModeKeys.TRAIN; held-out photos are looked at within training.
        params: dict: system, impl, width, vgg19 (vgg.LossNetwork), grams (dict layer -> float32 [S, C, C]),
            paintings (uint8 [S, H, W, 3], for the summaries), content_layers, style_layers,
            content_weight, style_weight, tv_weight, identity_weight, warmup_steps, train_steps,
            learning_rate, learning_rate_decay, the weights of the penalties, summary_steps,
            start (warm_start.Start), start_from (its path), rows_only (whether the rows of the
            paintings alone are trained), held_out (uint8 [M, H, W, 3] or None).

    Returns:
        tf.estimator.EstimatorSpec.
    """
    del labels
    photo, mix = features['photo'], features['style_weights']
    start = params['start']
    stylized, parts = build(photo, mix, params, not params['rows_only'])
    step = tf.train.get_or_create_global_step()
    with tf.name_scope('losses'):
        for name, value in sorted(parts.items()):
            tf.summary.scalar(name, value)
    for name in PARTS:
        tf.identity(parts[name], name='report/' + name)
    spec = {'loss': parts['total']}
    if start.variables:
        variables = tf.global_variables(scope='generator/')
        warm_start.check_fit(variables, start.variables, params['start_from'])
        spec['scaffold'] = tf.train.Scaffold(
            init_fn=lambda scaffold, session: warm_start.assign(variables, start.variables, session))
    spec['train_op'] = train_op(parts['total'], learning_rate(step, params), step,
                                start.rows[:-1] if params['rows_only'] else None)
    if params['held_out'] is not None:
        held_out(params)
    paintings = vgg.local_variable('paintings', params['paintings'].astype('float32'))
    triptych = tf.concat([photo, side_by_side(paintings, mix, photo), stylized], 2)  # [N, H, 3W, 3]
    spec['training_hooks'] = [tf.train.SummarySaverHook(
        params['summary_steps'], output_dir=params['model_dir'],
        summary_op=tf.summary.image('photo_painting_stylized',
                                    tf.saturate_cast(triptych, tf.uint8), max_outputs=2,
                                    collections=[]))]
    return tf.estimator.EstimatorSpec(mode, **spec)


def build(photo, mix, params, training):
    """Generator and objective: (stylized float32 [N, H, W, 3], dict of PARTS -> scalar)."""
    start = params['start']
    # The paintings of this run are not all of the network's rows.
    style_weights = tf.matmul(mix, tf.one_hot(start.rows, len(start.style_names)),
                              name='style_weights')
    stylized, restyled, activations = generator(
        photo, style_weights, start.system, training, params['impl'], start.width, look_inside=True)
    return stylized, training_losses(photo, restyled, activations, mix,
                                     tf.train.get_or_create_global_step(), params)


def held_out(params):
    """The same losses of photos that are not trained on, in the network as it is deployed.

    Adds the tensors `held_out/<part>`. The photos go through the paintings in turn, the last of
    them through `identity`.
    """
    photo = vgg.local_variable('held_out_photos', params['held_out'].astype('float32'))
    count, styles = len(params['held_out']), len(params['paintings'])
    rows = [number % styles for number in range(count - 1)] + [styles if count > 1 else 0]
    with tf.variable_scope(tf.get_variable_scope(), reuse=True):
        _, parts = build(photo, tf.one_hot(rows, styles + 1), params, training=False)
    for name in PARTS:
        tf.identity(parts[name], name='held_out/' + name)


def learning_rate(step, params):
    """The paper's constant rate, with a linear fall to zero over the last part of a run.

    params['learning_rate_decay'] is that part, 0 (the paper) to 1.
    """
    left = 1.0 - tf.cast(step, tf.float32) / params['train_steps']
    decay = params['learning_rate_decay']
    factor = tf.clip_by_value(left / decay, 0.0, 1.0) if decay else 1.0
    return tf.multiply(params['learning_rate'], factor, name='learning_rate')


def train_op(total, rate, step, rows=None):
    """Adam on filters and on gamma and beta tables, or on some rows of the tables alone.

    The other rows' gradients are exactly zero, and so are Adam's steps for them: they stay as they
    are, bit for bit.
    """
    variables = tf.trainable_variables()
    tables = [variable for variable in variables
              if variable.op.name.endswith(('/gamma', '/beta'))]
    filters = [variable for variable in variables if variable not in tables] if rows is None else []
    gradients = tf.gradients(total, filters + tables)
    table_gradients = gradients[len(filters):]
    if rows is not None:
        mask = tf.reduce_sum(tf.one_hot(rows, tables[0].shape.as_list()[0]), 0)[:, None]  # [S, 1]
        table_gradients = [gradient * mask for gradient in table_gradients]
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        updates = [tf.train.AdamOptimizer(rate * TABLE_RATE).apply_gradients(
            zip(table_gradients, tables), name='train_tables')]
        if filters:
            updates.append(tf.train.AdamOptimizer(rate).apply_gradients(
                zip(gradients, filters), name='train_filters'))
    with tf.control_dependencies(updates):
        return tf.assign_add(step, 1, name='train').op


def side_by_side(paintings, mix, photo):
    """Each sample's paintings, mixed, at the photo's size, black for `identity`: [N, H, W, 3]."""
    return tf.image.resize_bilinear(tf.tensordot(mix[:, :-1], paintings, 1), tf.shape(photo)[1:3])
