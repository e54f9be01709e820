"""The Estimator's model_fn: generator, VGG-19, losses, optimiser and summaries in one graph."""

import tensorflow.compat.v1 as tf

from resnet_in_tf.network.generator import generator
from resnet_in_tf.perceptual import vgg
from resnet_in_tf.perceptual.objective import perceptual_losses
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
        mode: tf.estimator.ModeKeys.TRAIN or EVAL.
        params: dict: system, impl, width, vgg19 (LossNetwork), grams (dict layer -> float32 [S, C, C]),
            paintings (uint8 [S, H, W, 3], for the summaries), content_layers, style_layers,
            content_weight, style_weight, tv_weight, identity_weight, warmup_steps, train_steps,
            learning_rate, learning_rate_decay, summary_steps, start (warm_start.Start),
            rows_only (whether the rows of the paintings alone are trained).

    Returns:
        tf.estimator.EstimatorSpec.
    """
    del labels
    training = mode == tf.estimator.ModeKeys.TRAIN
    photo, mix = features['photo'], features['style_weights']
    start = params['start']
    # The paintings of this run are not all of the network's rows.
    style_weights = tf.matmul(mix, tf.one_hot(start.rows, len(start.style_names)),
                              name='style_weights')
    stylized, restyled = generator(photo, style_weights, start.system,
                                   training and not params['rows_only'],
                                   params['impl'], start.width)
    step = tf.train.get_or_create_global_step()
    total, parts = perceptual_losses(photo, restyled, mix, step, params)
    total += tf.losses.get_regularization_loss()
    spec = {'loss': total}
    if training:
        with tf.name_scope('losses'):
            for name, value in sorted(parts.items()):
                tf.summary.scalar(name, value)
        rate = learning_rate(step, params)
        spec['train_op'] = train_op(total, rate, step,
                                    start.rows[:-1] if params['rows_only'] else None)
        if start.variables:
            variables = tf.global_variables()
            spec['scaffold'] = tf.train.Scaffold(
                init_fn=lambda scaffold, session: warm_start.assign(variables, start.variables,
                                                                    session))
        paintings = vgg.local_variable('paintings', params['paintings'].astype('float32'))
        triptych = tf.concat([photo, side_by_side(paintings, mix, photo), stylized], 2)  # [N, H, 3W, 3]
        spec['training_hooks'] = [tf.train.SummarySaverHook(
            params['summary_steps'], output_dir=params['model_dir'],
            summary_op=tf.summary.image('photo_painting_stylized',
                                        tf.saturate_cast(triptych, tf.uint8), max_outputs=2,
                                        collections=[]))]
        for name, value in parts.items():
            tf.identity(value, name='report/' + name)
    else:
        spec['eval_metric_ops'] = {name: tf.metrics.mean(value) for name, value in parts.items()}
    return tf.estimator.EstimatorSpec(mode, **spec)


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
