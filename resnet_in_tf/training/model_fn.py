"""The Estimator's model_fn: generator, VGG-19, losses, optimiser and summaries in one graph."""

import tensorflow.compat.v1 as tf

from resnet_in_tf.network import predictor
from resnet_in_tf.network.generator import generator
from resnet_in_tf.perceptual import losses, steady, vgg
from resnet_in_tf.perceptual.objective import PARTS, training_losses
from resnet_in_tf.training import distribution, teacher, warm_start

# Times the learning rate for gamma and beta: they alone tell the styles apart, and each row sees
# but its own style's samples. At the filters' rate eight styles were still one after 900 steps.
TABLE_RATE = 5.0

# Global norm that gradients have at most where any picture is a style: an odd one's are far larger.
LARGEST_GRADIENT = 5.0


def model_fn(features, labels, mode, params):
    """Builds training or evaluation of one system on a batch of photos.

    Args:
        features: {'photo': float32 [N, H, W, 3] in [0, 255], 'style_weights': float32 [N, S + 1]},
            where the last column is `identity`. To train a style predictor also 'picture', float32
            [N, h, w, 3] in [0, 255], each sample's own style; 'style_weights' has its share as the last
            column but one.
        labels: None.
        mode: tf.estimator.ModeKeys.TRAIN; held-out photos are looked at within training.
        params: dict: system, impl, width, vgg19 (vgg.LossNetwork), grams (dict layer -> float32 [S, C,
            C]), moments (dict layer -> float32 [S, 2, C], or None), teacher (teacher.Teacher or None),
            paintings (uint8 [S, H, W, 3], for the summaries), content_layers, style_layers, content_weight,
            style_weight, tv_weight, identity_weight, warmup_steps, train_steps, learning_rate,
            learning_rate_decay, the weights of the penalties, seed, log_steps, summary_steps, start
            (warm_start.Start), start_from (its path), initial (dict of further variables' names -> arrays to
            begin with), rows_only (whether the rows of the paintings alone are trained), held_out (uint8 [M,
            H, W, 3] or None), held_out_pictures (uint8 [M, h, w, 3], the pictures that they are painted
            after, or None).

    Returns:
        tf.estimator.EstimatorSpec.
    """
    del labels
    photo, mix, picture = features['photo'], features['style_weights'], features.get('picture')
    start = params['start']
    with tf.variable_scope(tf.get_variable_scope(), custom_getter=distribution.first_values(params['seed'])):
        stylized, own = build(photo, mix, params, not params['rows_only'], picture)
    parts = distribution.global_parts(own, mix)
    step = tf.train.get_or_create_global_step()
    with tf.name_scope('losses'):
        scalars = [tf.summary.scalar(name, value) for name, value in sorted(parts.items())]
    spec = {'loss': own['total'] / distribution.replicas()}  # the Estimator adds them up
    initial = dict(start.variables, **params['initial'])
    if initial:
        variables = tf.global_variables(scope='generator/') + tf.global_variables(
            scope=predictor.SCOPE + '/')
        if start.variables:
            warm_start.check_fit(variables, initial, params['start_from'])
        given = [variable for variable in variables if distribution.name_of(variable) in initial]
        spec['scaffold'] = tf.train.Scaffold(
            init_fn=lambda scaffold, session: warm_start.assign(given, initial, session))
    spec['train_op'] = train_op(spec['loss'], learning_rate(step, params), step,
                                start.rows[:-1] if params['rows_only'] else None,
                                None if picture is None else LARGEST_GRADIENT)
    if params['held_out'] is not None:
        held_out(params)
    paintings = vgg.local_variable('paintings', params['paintings'].astype('float32'))
    triptych = tf.concat([photo, side_by_side(paintings, mix, photo, picture), stylized], 2)  # [N, H, 3W, 3]
    triptych = tf.summary.image('photo_painting_stylized', tf.saturate_cast(triptych, tf.uint8),
                                max_outputs=2)
    spec['training_chief_hooks'] = [
        tf.train.SummarySaverHook(steps, output_dir=params['model_dir'], summary_op=summary)
        for steps, summary in ((params['log_steps'], tf.summary.merge(scalars)),
                               (params['summary_steps'], triptych))]
    return tf.estimator.EstimatorSpec(mode, **spec)


def build(photo, mix, params, training, picture=None):
    """Generator and objective: (stylized float32 [N, H, W, 3], dict of PARTS -> scalar)."""
    start, row, seen, named = params['start'], None, None, mix
    if picture is not None:
        # The predictor is shown what the loss sees: one pass serves both.
        seen = vgg.features(picture, set(predictor.LAYERS) | set(params['style_layers']), params['vgg19'])
        row = mix[:, -2:-1] * predictor.predict(predictor.statistics(seen), picture, start.width)
        named = tf.concat([mix[:, :-2], mix[:, -1:]], 1)
    # The paintings of this run are not all of the network's rows.
    style_weights = tf.matmul(named, tf.one_hot(start.rows, len(start.style_names)),
                              name='style_weights')
    stylized, restyled, activations = generator(
        photo, style_weights, start.system, start.width, training, params['impl'], look_inside=True, row=row)
    step, further = tf.train.get_or_create_global_step(), {}
    if params['teacher'] is not None:
        further['teacher'] = losses.pixel_loss(restyled, teacher.restyled(photo, mix, params['teacher']))
    if params['steady_weight'] and training:
        # A function of the step, so that a run that was stopped goes on as if it were not.
        later, flow = steady.moved(photo, tf.stack([params['seed'] % 2 ** 31, tf.cast(step, tf.int32)]))
        with tf.variable_scope(tf.get_variable_scope(), reuse=True), tf.name_scope('moved'):
            painted = generator(later, style_weights, start.system, start.width, training, params['impl'],
                                row=row)[0]
        further['steady'] = steady.steady_loss(stylized, painted, flow)
    return stylized, training_losses(photo, restyled, activations, mix, step, params, seen, further)


def held_out(params):
    """The same losses of photos that are not trained on, in the network as it is deployed.

    Adds the tensors `held_out/<part>`. The photos go through the paintings in turn, the last of
    them through `identity`; where a style predictor is trained, every other is painted after a picture
    that is not trained on.
    """
    photo = vgg.local_variable('held_out_photos', params['held_out'].astype('float32'))
    count, styles, picture = len(params['held_out']), len(params['paintings']), params['held_out_pictures']
    columns = styles + (picture is not None)
    rows = [number % styles for number in range(count - 1)] + [columns if count > 1 else 0]
    if picture is not None:
        rows = [styles if number % 2 else row for number, row in enumerate(rows[:-1])] + rows[-1:]
        picture = vgg.local_variable('held_out_pictures', picture.astype('float32'))
    with tf.variable_scope(tf.get_variable_scope(), reuse=True):
        _, parts = build(photo, tf.one_hot(rows, columns + 1), params, False, picture)
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


def train_op(total, rate, step, rows=None, largest=None):
    """Adam on filters and on gamma and beta tables, or on some rows of the tables alone.

    Gradients are scaled down to the global norm `largest`, where it is given.
    The other rows' gradients are exactly zero, and so are Adam's steps for them: they stay as they
    are, bit for bit.
    """
    variables = tf.trainable_variables()
    tables = [variable for variable in variables
              if distribution.name_of(variable).endswith(('/gamma', '/beta'))]
    filters = [variable for variable in variables if variable not in tables] if rows is None else []
    # Gated: else TensorFlow 1.15 may update a filter before the gradient of what lies below went through it.
    gradients = tf.gradients(total, filters + tables, gate_gradients=True)
    if largest is not None:
        gradients = distribution.clip(gradients, largest)
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


def side_by_side(paintings, mix, photo, picture=None):
    """Each sample's paintings and picture, mixed, at the photo's size, black for `identity`: [N, H, W, 3]."""
    named, size = mix[:, :-1] if picture is None else mix[:, :-2], tf.shape(photo)[1:3]
    shown = tf.image.resize_bilinear(tf.tensordot(named, paintings, 1), size)
    if picture is None:
        return shown
    return shown + mix[:, -2, None, None, None] * tf.image.resize_bilinear(picture, size)
