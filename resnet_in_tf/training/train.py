"""Trains one network on photos and paintings through the Estimator; a stopped run goes on."""

import os

import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.graphs import session_config
from resnet_in_tf.network import frozen, rows
from resnet_in_tf.network.generator import SYSTEMS
from resnet_in_tf.perceptual import vgg
from resnet_in_tf.perceptual.objective import PARTS
from resnet_in_tf.perceptual.targets import moment_targets, style_targets
from resnet_in_tf.pictures import images
from resnet_in_tf.training import (
    checkpoints,
    coco,
    distribution,
    model_fn,
    run_record,
    style_pictures,
    team,
    warm_start,
)
from resnet_in_tf.training import teacher as teachers
from resnet_in_tf.training.config import ADDING, FREE_ON_RESUME, resolve, steps_by_default
from resnet_in_tf.training.hooks import (
    HISTORY,
    ProgressHook,
    StopOnSignal,
    drop_bad_checkpoints,
    read_history,
)
from resnet_in_tf.training.paintings import check_styles, read_painting

# What the machine, not the program, can do to a run, and what to say then.
RUN_ERRORS = {
    tf.errors.ResourceExhaustedError: 'out of memory or disk: free some, or train another '
                                      '--model_dir with a smaller --batch_size or --image_size',
    tf.errors.DataLossError: 'a checkpoint is damaged: delete its files, and the same command '
                             'goes on from the one before',
    tf.errors.PermissionDeniedError: 'a file cannot be written: see who owns --model_dir'}


def train(styles, coco_images, model_dir, coco_annotations=None, start_from=None, add_style=False,
          show=print, styles_dir=None, teacher=None, **settings):
    """Trains a network of `len(styles)` styles and `identity`, or goes on with one.

    Args:
        styles: paths of paintings; a style is called as its file, without the ending.
        coco_images, coco_annotations: folder of photos, and COCO's JSON for it or None.
        model_dir: folder for checkpoints, event files, `run.json` and `history.csv`.
        start_from: path of a frozen network to begin with, or None.
        add_style: whether `styles` are added to that network, whose own styles stay as they are.
        show: function of one line of text.
        styles_dir: folder of pictures that a style predictor is trained with, or None.
        teacher: path of a frozen network whose pictures this one learns to make, or None.
        settings: of config.SETTINGS; what is left out or None takes its default.

    Several processes train together where TF_CONFIG names them; the first, the chief, reports and writes.

    Returns:
        The run record, a dict, as in `run.json`; its 'status' is 'finished' or 'stopped'.

    Raises:
        UserError: an argument or a file is not right, or the loss became NaN.
    """
    settings = {name: value for name, value in settings.items() if value not in (None, [])}
    config, network = configure(styles, start_from, add_style, settings, styles_dir)
    taught = open_teacher(teacher, styles, styles_dir)
    predicted = add_style and warm_start.has_predictor(network)
    if warm_start.has_predictor(network) and not styles_dir:
        show('Without --styles_dir the new network takes no --style_image: the style predictor of %s '
             'does not go with it.' % start_from)
        network = warm_start.without_predictor(network)
    photo_names = coco.list_photos(coco_images, coco_annotations)
    run_record.make_folder(model_dir)
    with team.Team(team.read_cluster(os.environ.get('TF_CONFIG')), show) as crew, checkpoints.plain_path(
            model_dir, lock=crew.is_chief) as folder:
        show = show if crew.is_chief else lambda line: None
        told = dict(config, styles=styles, start=start_from and run_record.describe_file(start_from),
                    add_style=add_style, teacher=taught and taught.description,
                    replicas=distribution.check(config, crew))
        distribution.same_flags(crew, told)
        record = run_record.open_record(model_dir, told, FREE_ON_RESUME)
        record['places'] = {'coco_images': coco_images, 'coco_annotations': coco_annotations,
                            'start_from': start_from, 'styles_dir': styles_dir, 'teacher': teacher}
        # A run goes on with the photos that it began with, whatever came into the folder since.
        split = coco.Split(**record.get('split')
                           or coco.split_photos(photo_names, config['seed'])._asdict())
        if not set(split.train) & set(photo_names):
            raise UserError('--coco_images %s: none of the photos that the run in --model_dir %s began '
                            'with is there' % (coco_images, model_dir))
        if config['train_steps'] is None:
            config['train_steps'] = steps_by_default(
                len(split.train), config['batch_size'] * told['replicas'])
        record['config']['train_steps'] = config['train_steps']
        start = checkpoints.newest_step(model_dir)
        if start >= config['train_steps']:
            show('This run is finished: %d of %d steps are in %s. Give a higher --train_steps to go '
                 'on, or another --model_dir.' % (start, config['train_steps'], model_dir))
            if crew.is_chief and record.get('status') in ('running', 'failed'):  # killed after its last step
                row = (read_history(os.path.join(model_dir, HISTORY)) or [{}])[-1]
                latest = {part: row[part] for part in PARTS if part in row}
                run_record.finish(model_dir, record, None, latest, record.get('broken_photos', []))
            return dict(record, status='finished')
        if crew.is_chief:
            checkpoints.repair(model_dir)
        photos = coco.Photos(coco_images, split.train, config['image_size'], config['seed'])
        photos.check()
        paintings = [read_painting(path, config['style_size']) for path in styles]
        if predicted and not start:
            made = rows.predict(frozen.read_graph(start_from)[0], paintings)
            network = warm_start.with_rows_of(network, made)
            show('The new row begins as the style predictor of %s makes it.' % start_from)
        loss_network = vgg.open_weights(config['vgg_weights'], style_pictures.loss_layers(config))
        identity = {'name': loss_network.name, 'checksum': loss_network.checksum}
        then = record.get('loss_network', {}).get('checksum')
        if then not in (None, identity['checksum']):
            raise UserError('--vgg_weights %s: another loss network than the run in --model_dir %s began '
                            'with' % (config['vgg_weights'], model_dir))
        record.update(status='running', style_names=network.style_names, split=split._asdict(),
                      styles=network.styles + run_record.describe_styles(styles, record),
                      loss_network=identity)
        pictures = None
        if styles_dir:
            record['encoder'] = style_pictures.checksum(loss_network)
            if network.encoder not in (None, record['encoder']):
                raise UserError('--vgg_weights %s: another loss network than the style predictor of '
                                '--from %s knows' % (config['vgg_weights'], start_from))
            pictures = open_pictures(styles_dir, styles, photos, config, record)
        if crew.is_chief:
            run_record.write(model_dir, record)
        held_out = coco.held_out(coco_images, split.test, config['image_size']) if (
            config['eval_steps']) else None
        initial = {warm_start.PALETTES: warm_start.with_palettes(network, paintings)} if (
            SYSTEMS[network.system].palette) else {}
        if pictures and not start and not warm_start.has_predictor(network):
            initial.update(style_pictures.measure(pictures, loss_network))
        params = dict(config, model_dir=folder, vgg19=loss_network, start=network,
                      start_from=start_from, initial=initial, rows_only=add_style, held_out=held_out,
                      held_out_pictures=held_out_pictures(styles_dir, held_out, config, record),
                      grams=style_targets(paintings, config['style_layers'], loss_network),
                      moments=moment_targets(paintings, config['style_layers'], loss_network) if (
                          config['moments_weight']) else None,
                      teacher=taught,
                      paintings=np.stack([images.resize(painting, *[config['image_size']] * 2)
                                          for painting in paintings]),
                      summary_steps=max(100, config['train_steps'] // 40))
        distribution.same_files(crew, model_dir, record, photo_names, start, held_out)
        show('%d styles, %d photos to train on, %d to test; steps %d to %d'
             % (len(styles), len(split.train), len(split.test), start, config['train_steps']))
        progress = ProgressHook(model_dir, start, config['train_steps'],
                                config['batch_size'] * told['replicas'], config['log_steps'], show,
                                0 if held_out is None else config['eval_steps'])
        stop = StopOnSignal() if crew.size == 1 else distribution.StopTogether()
        try:
            run_estimator(params, photos, start, progress, stop, model_dir, crew, record, pictures)
            broken = crew.collect(photos.broken | (pictures.broken if pictures else set()))
            if crew.is_chief:
                record = run_record.finish(model_dir, record, stop.signal, progress.latest, broken)
            record = crew.tell(record)
        except BaseException:
            if crew.is_chief:
                run_record.mark_failed(model_dir, record)
            raise
    if broken:
        show('%d photos could not be read and were skipped (named in run.json)' % len(broken))
    show('Stopped; the same command goes on from step %d.' % record['step']
         if record['status'] == 'stopped' else 'Finished: %d steps in %s' % (record['step'], model_dir))
    return record


def open_teacher(path, styles, styles_dir):
    """The network that a run learns from, or None: arguments as in `train`, errors as in `teacher`."""
    if path is None:
        return None
    if styles_dir:
        raise UserError('--teacher %s: shows its named styles alone, and --styles_dir trains any picture: '
                        'give one of them' % path)
    return teachers.open_teacher(path, check_styles(styles))


def open_pictures(styles_dir, styles, photos, config, record):
    """The pictures that a run takes as styles; a run that goes on has those that it began with.

    Args:
        styles_dir, styles: as in `train`.
        photos: coco.Photos.
        config: dict of every setting.
        record: run record; its 'style_pictures' is set.

    Returns:
        style_pictures.StylePictures.

    Raises:
        UserError: the folder holds no picture, or none that can be read.
    """
    split = coco.Split(**record.get('style_pictures')
                       or style_pictures.list_styles(styles_dir, config['seed'])._asdict())
    record['style_pictures'] = split._asdict()
    pictures = style_pictures.StylePictures(
        styles_dir, split.train + [os.path.abspath(path) for path in styles], photos, config)
    pictures.check()
    return pictures


def held_out_pictures(styles_dir, photos, config, record):
    """What the held-out photos are painted after, uint8 [M, h, w, 3]: pictures that were kept back.

    Where the folder had too few for that, those that are trained on; None without a predictor.
    """
    if not styles_dir or photos is None:
        return None
    split = coco.Split(**record['style_pictures'])
    kept = coco.held_out(styles_dir, split.test + split.train, config['style_crop_size'], len(photos))
    return None if kept is None else np.resize(kept, (len(photos),) + kept.shape[1:])


def configure(styles, start_from, add_style, settings, styles_dir=None):
    """Checks what a run is told, and opens the network that it begins with.

    Args:
        styles, start_from, add_style, styles_dir: as in `train`.
        settings: dict of what is given.

    Returns:
        (dict of every setting, warm_start.Start).

    Raises:
        UserError: a setting is not right, or contradicts another or the network.
    """
    names = check_styles(styles)
    config = resolve(settings)
    if config['system'] not in SYSTEMS:
        raise UserError('--system %s: there are: %s' % (config['system'], ', '.join(sorted(SYSTEMS))))
    if add_style and styles_dir:
        raise UserError('--styles_dir %s: trains a style predictor, and --add_style a row alone: give one of '
                        'them' % styles_dir)
    if add_style and not start_from:
        raise UserError('--add_style needs the network that it is added to: --from NETWORK.pb')
    if add_style:
        for name, value in ADDING.items():
            if settings.get(name, value) != value:
                raise UserError('--%s %s: --add_style trains a row alone, and it is always %s then: '
                                'leave it out' % (name, settings[name], value))
        config.update(ADDING)
    for name in ('content_layers', 'style_layers'):
        config[name] = vgg.check_layers(config[name])
    network = (warm_start.from_network(start_from, names, add_style, settings.get('system'),
                                       settings.get('width')) if start_from else
               warm_start.new_network(names, config['system'], config['width']))
    config.update(system=network.system, width=network.width, predictor=bool(styles_dir))
    if styles_dir and not SYSTEMS[network.system].palette:
        raise UserError('--styles_dir %s: trains a style predictor, which takes --system resnet_any; this '
                        'is %s' % (styles_dir, network.system))
    return config, network


def run_estimator(params, photos, start, progress, stop, model_dir, crew, record, pictures=None):
    """Runs tf.estimator from the last checkpoint to params['train_steps'].

    Args:
        params: as in `model_fn`.
        photos: coco.Photos.
        start: step to begin with.
        progress: ProgressHook, for the chief.
        stop: StopOnSignal.
        model_dir: the folder as the user calls it.
        crew: team.Team.
        record: run record, which says that the run failed where a worker is gone.
        pictures: StylePictures, or None.

    Raises:
        UserError: the loss became NaN; the newest checkpoint that is sound is kept. Or the disk, the
            memory or another worker ended the run.
    """
    session = session_config(params['bfloat16'])
    strategy = distribution.open_strategy(distribution.count_devices(params['devices'], crew.size),
                                          crew.size, session)
    run_config = tf.estimator.RunConfig(
        model_dir=params['model_dir'], tf_random_seed=params['seed'], session_config=session,
        train_distribute=strategy, save_checkpoints_steps=None, save_summary_steps=None,
        keep_checkpoint_max=2, log_step_count_steps=None)
    estimator = tf.estimator.Estimator(model_fn.model_fn, config=run_config, params=params)
    hooks = [stop]
    if crew.is_chief:  # what saves comes after progress, so that history is ahead of it
        hooks = [progress, stop, tf.train.CheckpointSaverHook(params['model_dir'],
                                                              save_steps=params['save_steps'])]

    def samples(input_context=None):
        return coco.input_fn(photos, len(params['paintings']), params, start, params['train_steps'],
                             pictures, input_context)
    try:
        with stop, crew.watch(lambda: crew.is_chief and run_record.mark_failed(model_dir, record)):
            distribution.run(estimator, samples, hooks, params['train_steps'], crew.size)
    except tf.train.NanLossDuringTrainingError:
        if not crew.is_chief:
            raise UserError('the loss became NaN; %s says what is kept' % crew.name(0)) from None
        step = drop_bad_checkpoints(model_dir, progress.step)
        kept = 'no good checkpoint' if step is None else 'the last good checkpoint, of step %d,' % step
        raise UserError('the loss became NaN; %s is kept in %s. Try a lower --learning_rate, '
                        '--style_weight or more --warmup_steps, in another --model_dir'
                        % (kept, model_dir)) from None
    except tf.errors.OpError as error:
        failures = [each.failure for each in (photos, pictures) if each is not None and each.failure]
        if failures:
            raise failures[0] from None
        crew.blame()
        advice = [words for kind, words in RUN_ERRORS.items() if isinstance(error, kind)]
        if not advice:
            raise
        raise UserError('the run stopped, %s (%s); the same command goes on from the last checkpoint'
                        % (advice[0], error.message.split('\n')[0].replace(
                            params['model_dir'], model_dir))) from error
    except OSError as error:
        raise UserError('the run stopped: %s: %s; the same command goes on from the last checkpoint'
                        % (error.filename or model_dir, error.strerror or error)) from error
    finally:
        # TensorFlow keeps them by path, and the next run of this process may get the same one.
        tf.summary.FileWriterCache.clear()
