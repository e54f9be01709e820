"""What a report can be told: its own settings, and those that it shares with training."""

from resnet_in_tf.training import config
from resnet_in_tf.training.config import Setting

# Settings of training that a report hands on to every system.
OF_TRAINING = ('batch_size', 'image_size', 'style_size', 'content_weight', 'style_weight', 'tv_weight',
               'identity_share', 'warmup_steps', 'vgg_weights', 'seed', 'width', 'bfloat16')


def option(name, kind, default, text, least=None):
    """A setting of the report alone."""
    return Setting(name, kind, default, least, None, text, False)


OPTIONS = (
    option('coco_annotations', str, None, "COCO's JSON for --coco_images."),
    option('test_images', str, None, 'Test photos. Default: held out of --coco_images.'),
    option('mask_images', str, None, 'Annotated COCO photos. Default: --coco_images.'),
    option('mask_annotations', str, None, "COCO's JSON for those, or no mask table."),
    option('systems', list, ('resnet_in', 'cnn', 'cnn_bn', 'fnst', 'naas'), 'What to compare.'),
    option('train_steps', int, 2000, 'Of every system.', 1),
    option('learning_rate_steps', int, None, "Of Fig. 6's runs. Default: two points of a curve.", 1),
    option('curve_every', int, None, 'Steps between points of the curves. Default: a fifth.', 1),
    option('judge_vgg_weights', str, None, 'Of judge and segmenter. Default: --vgg_weights.'),
    option('judge_layers', list, None, 'Of the judge. Default: the style layers of its network.'),
    option('segment_layers', list, None, 'Of the segmenter. Default: relu2_1,relu3_1,relu4_1.'),
    option('naas_iterations', int, 200, 'Of L-BFGS-B, a picture.', 1),
    option('test_size', int, None, 'Short side of the photos. Default: --image_size.', 16),
    option('test_photos', int, 40, 'Test photos, in every style.', 1),
    option('train_photos', int, 20, 'Training photos restyled (Fig. 7a).', 1),
    option('mask_photos', int, 20, 'Annotated photos.', 1),
    option('curve_photos', int, 10, 'Test photos at each point of a curve.', 1),
    option('segments', int, 8, 'k of k-means.', 2),
    option('crops', int, 60, 'Crops a class for the judge.', 2),
    option('timing_size', int, None, 'Side of the timed picture. Default: --image_size.', 16),
    option('timing_runs', int, 5, 'Warm runs a style (Table II).', 1),
    option('timing_model', str, None, "A .pb for Table II, for its styles' sake."),
    option('grid_images', str, None, 'Folder or pattern of photos for the grid.'),
)

SETTINGS = OPTIONS + tuple(config.BY_NAME[name] for name in OF_TRAINING + ('learning_rate',))


def resolve(given):
    """Every setting of a report: what is given, else its default, or what the loss network says.

    Args:
        given: dict name -> value; None counts as not given.

    Returns:
        dict of every setting.

    Raises:
        TypeError: there is no setting of a name.
        UserError: a value is of the wrong kind or out of bounds.
    """
    given = {name: value for name, value in given.items() if value not in (None, [])}
    of_training = config.resolve({name: given.pop(name) for name in OF_TRAINING + ('learning_rate',)
                                  if name in given})
    own = config.resolve(given, OPTIONS)
    return dict(own, **{name: of_training[name] for name in OF_TRAINING + ('learning_rate',)})
