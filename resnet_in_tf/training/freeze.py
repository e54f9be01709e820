"""Ends a training run: its newest checkpoint becomes one file that is deployed."""

from resnet_in_tf import files
from resnet_in_tf.errors import UserError
from resnet_in_tf.network import predictor
from resnet_in_tf.network.frozen import frozen_graph
from resnet_in_tf.perceptual import vgg
from resnet_in_tf.training import checkpoints, run_record, style_pictures
from resnet_in_tf.training.config import SETTINGS


def describe_run(record, step):
    """The card of a trained run: what it was trained on, with what, and how it ended.

    Args:
        record: run record.
        step: step of the checkpoint.

    Returns:
        dict that JSON can hold.
    """
    config = record['config']
    card = {'styles': [dict(style, name=name)
                       for style, name in zip(record['styles'], record['style_names'])],
            'style_names': record['style_names'], 'steps': step,
            'photos': len(record['split']['train']), 'loss_network': record['loss_network'],
            'losses': record.get('losses', {}), 'versions': record['versions'],
            'training': {setting.name: config[setting.name] for setting in SETTINGS
                         if setting.on_card and setting.name in config}}
    if config.get('replicas', 1) > 1:
        card['training']['replicas'] = config['replicas']  # each had the batch size
    if config.get('predictor'):
        pictures = record['style_pictures']
        card['predictor'] = {
            'layers': list(predictor.LAYERS), 'pictures': len(pictures['train']),
            'held_out_pictures': pictures['test'], 'checksum': record['encoder'],
            'source': vgg.SOURCES.get(config['vgg_weights'].partition(':')[0], config['vgg_weights'])}
    return card


def freeze(model_dir, output):
    """Writes the newest checkpoint of a run as a frozen graph, in the reference form.

    Args:
        model_dir: folder of a run.
        output: path of the .pb to write.

    Returns:
        dict, the card.

    Raises:
        UserError: the folder holds no run or no checkpoint, or the file cannot be written.
    """
    record = run_record.read(model_dir)
    values = checkpoints.read_newest(model_dir)
    if not values:
        raise UserError('--model_dir %s: the run has no checkpoint yet' % model_dir)
    card = describe_run(record, int(values['global_step']))
    frozen = frozen_graph(record['style_names'], card, values.__getitem__,
                          record['config']['system'], record['config']['width'],
                          style_pictures.encoder(record))
    files.write_file(output, frozen.SerializeToString(deterministic=True))
    return card
