"""Trains one network on photos and paintings through the Estimator; a stopped run goes on."""


import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.network.generator import SYSTEMS
from resnet_in_tf.perceptual import vgg
from resnet_in_tf.perceptual.targets import default_layers, style_targets
from resnet_in_tf.pictures import images
from resnet_in_tf.training import coco, model_fn, run_record, warm_start
from resnet_in_tf.training.hooks import ProgressHook, StopOnSignal, drop_bad_checkpoints
from resnet_in_tf.training.paintings import check_styles, read_painting

# What may differ between the command that started a run and the one that goes on with it.
FREE_ON_RESUME = ('train_steps', 'save_steps', 'log_steps', 'impl')

# What the machine, not the program, can do to a run, and what to say then.
RUN_ERRORS = {
    tf.errors.ResourceExhaustedError: 'out of memory or disk: free some, or train another '
                                      '--model_dir with a smaller --batch_size or --image_size',
    tf.errors.DataLossError: 'a checkpoint is damaged: delete its files and name the one before '
                             "in the file 'checkpoint', or start another --model_dir",
    tf.errors.PermissionDeniedError: 'a file cannot be written: see who owns --model_dir'}


def train(styles, coco_images, model_dir, coco_annotations=None, system='resnet_in', batch_size=4,
          learning_rate=0.001, learning_rate_decay=0.0, train_steps=None, image_size=256,
          style_size=512, content_weight=0.6, style_weight=8.0, tv_weight=30.0,
          identity_weight=20.0, identity_share=0.1, mix_share=0.25, warmup_steps=150,
          content_layers=None, style_layers=None, vgg_weights='imagenet', seed=0, impl='auto', width=32,
          bfloat16=False, save_steps=500, log_steps=10, start_from=None, add_style=False,
          report=print):
    """Trains a network of `len(styles)` styles and `identity`, or goes on with one.

    Args:
        styles: paths of paintings; a style is called as its file, without the ending.
        coco_images, coco_annotations: folder of photos, and COCO's JSON for it or None.
        model_dir: folder for checkpoints, event files, `run.json` and `history.csv`.
        system: a key of generator.SYSTEMS.
        batch_size, learning_rate, train_steps: steps None means two passes over the photos.
        learning_rate_decay: last part of the run, 0 to 1, over which the rate falls to zero.
        image_size, style_size: side of the crops; longest side of the paintings, in pixels.
        content_weight, style_weight, tv_weight: beta and alpha of (6), and total variation's weight.
        identity_weight, identity_share: weight of the pixel loss; share of samples it gets.
        mix_share: share of the samples that are painted in a random mix of two rows.
        warmup_steps: steps at the start that train the pixel loss alone.
        content_layers, style_layers: VGG-19 layers; None takes `default_layers`.
        vgg_weights: as in vgg.open_weights.
        seed: names the split, the crops, the styles' order and the first weights.
        impl: instance norm's kernel. width: channels of the generator's first layer.
        bfloat16: whether TensorFlow 2.15 may compute convolutions in bfloat16.
        save_steps, log_steps: steps between checkpoints and between reports.
        start_from: path of a frozen network to begin with, or None.
        add_style: whether `styles` are added to that network, whose own styles stay as they are.
        report: function of one line of text.

    Returns:
        The run record, a dict, as in `run.json`; its 'status' is 'finished' or 'stopped'.

    Raises:
        UserError: an argument or a file is not right, or the loss became NaN.
    """
    config = {key: value for key, value in locals().items() if key != 'report'}
    names = check_styles(styles)
    if system not in SYSTEMS:
        raise UserError('--system %s: there are: %s' % (system, ', '.join(sorted(SYSTEMS))))
    config['content_layers'] = vgg.check_layers(
        content_layers or default_layers(vgg_weights, 'content'))
    config['style_layers'] = vgg.check_layers(
        style_layers or default_layers(vgg_weights, 'style'))
    if add_style and not start_from:
        raise UserError('--add_style needs the network that it is added to: --from NETWORK.pb')
    network = (warm_start.from_network(start_from, names, add_style) if start_from else
               warm_start.new_network(names, system, width))
    config.update(system=network.system, width=network.width)
    if add_style:
        config.update(identity_share=0.0, warmup_steps=0)
    photo_names = coco.list_photos(coco_images, coco_annotations)
    record = run_record.open_record(model_dir, config, FREE_ON_RESUME)
    # A run goes on with the photos that it began with, whatever came into the folder since.
    split = coco.Split(**record.get('split') or coco.split_photos(photo_names, seed)._asdict())
    if train_steps is None:
        config['train_steps'] = max(1, 2 * len(split.train) // batch_size)
    record['config']['train_steps'] = config['train_steps']
    start = run_record.checkpoint_step(model_dir)
    if start >= config['train_steps']:
        report('This run is finished: %d of %d steps are in %s. Give a higher --train_steps to go '
               'on, or another --model_dir.' % (start, config['train_steps'], model_dir))
        return dict(record, status='finished')
    photos = coco.Photos(coco_images, split.train, image_size, seed)
    photos.check()
    paintings = [read_painting(path, style_size) for path in styles]
    loss_network = vgg.open_weights(vgg_weights,
                                      config['content_layers'] + config['style_layers'])
    record.update(status='running', style_names=network.style_names,
                  split=split._asdict(),
                  styles=network.styles + run_record.describe_styles(styles, record),
                  loss_network={'name': loss_network.name, 'checksum': loss_network.checksum})
    run_record.write(model_dir, record)
    params = dict(config, vgg19=loss_network, start=network, rows_only=add_style,
                  grams=style_targets(paintings, config['style_layers'], loss_network),
                  paintings=np.stack([images.resize(painting, image_size, image_size)
                                      for painting in paintings]),
                  summary_steps=max(100, config['train_steps'] // 40))
    report('%d styles, %d photos to train on, %d to test; steps %d to %d'
           % (len(names), len(split.train), len(split.test), start, config['train_steps']))
    progress = ProgressHook(model_dir, start, config['train_steps'], batch_size, log_steps, report)
    stop = StopOnSignal()
    run_estimator(params, photos, start, [progress, stop])
    record = run_record.finish(model_dir, record, stop.signal, progress.latest, photos.broken)
    if photos.broken:
        report('%d photos could not be read and were skipped (named in run.json)' % len(photos.broken))
    report('Stopped; the same command goes on from step %d.' % record['step'] if stop.signal else
           'Finished: %d steps in %s' % (record['step'], model_dir))
    return record


def run_estimator(params, photos, start, hooks):
    """Runs tf.estimator from the last checkpoint to params['train_steps'].

    Raises:
        UserError: the loss became NaN; the newest checkpoint that is sound is kept.
    """
    session_config = tf.ConfigProto(allow_soft_placement=True)
    session_config.gpu_options.allow_growth = True
    if params['bfloat16']:
        allow_bfloat16(session_config)
    run_config = tf.estimator.RunConfig(
        model_dir=params['model_dir'], tf_random_seed=params['seed'], session_config=session_config,
        save_checkpoints_steps=params['save_steps'], save_summary_steps=params['log_steps'],
        keep_checkpoint_max=2, log_step_count_steps=None)
    estimator = tf.estimator.Estimator(model_fn.model_fn, config=run_config, params=params)
    try:
        with hooks[1]:
            estimator.train(
                lambda: coco.input_fn(photos, len(params['paintings']), params['identity_share'],
                                      params['mix_share'], params['batch_size'], start,
                                      params['train_steps']),
                hooks=hooks, max_steps=params['train_steps'])
    except tf.train.NanLossDuringTrainingError:
        step = drop_bad_checkpoints(params['model_dir'], hooks[0].step)
        kept = 'no good checkpoint' if step is None else 'the last good checkpoint, of step %d,' % step
        raise UserError('the loss became NaN; %s is kept in %s. Try a lower --learning_rate, '
                        '--style_weight or more --warmup_steps, in another --model_dir'
                        % (kept, params['model_dir'])) from None
    except tuple(RUN_ERRORS) as error:
        raise UserError('the run stopped, %s (%s); the same command goes on from the last '
                        'checkpoint' % (RUN_ERRORS[type(error)], error.message.split('\n')[0])) from error
    except tf.errors.OpError:
        if photos.failure:
            raise photos.failure from None
        raise


def allow_bfloat16(session_config):
    """Lets TensorFlow compute convolutions in bfloat16 on a CPU that can (TensorFlow 2.15)."""
    options = session_config.graph_options.rewrite_options
    if not hasattr(options, 'auto_mixed_precision_onednn_bfloat16'):
        raise UserError('--bfloat16 needs TensorFlow 2.15; this is %s' % tf.__version__)
    options.auto_mixed_precision_onednn_bfloat16 = type(options).ON
