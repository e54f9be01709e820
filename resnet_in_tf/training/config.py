"""Everything that training can be told: each setting once, with its default, its bounds and why.

Flags, the run record, the card, the report and NAAS are made from this table.
"""

import collections
import sys

from resnet_in_tf.errors import UserError
from resnet_in_tf.perceptual.loss_defaults import loss_defaults

Setting = collections.namedtuple('Setting', 'name kind default least most text on_card')
Setting.__doc__ = """One setting of training.

Fields:
    name: of the flag and of the setting.
    kind: int, float, bool, str or list (of layers), or a tuple of the values that it may have.
    default: where the flag is not given; None means that it follows from other settings.
    least, most: bounds of a number, None for none. Floats must be finite beyond that.
    text: one line for --help.
    on_card: whether the card of a network names it.
"""

LARGEST, MOST_STEPS = 3e38, 2 ** 31 - 1
LEAST_STEPS = 2000  # two passes over a few hundred photos end before the style has fully come in
SETTINGS = (
    Setting('system', str, 'resnet_in', None, None,  # the paper's own
            'resnet_in, cnn, cnn_bn, fnst, resnet_contrast or resnet_any; with --from, that of its network.',
            True),
    # As many channels as the paper: each doubles the time of all the rest.
    Setting('width', int, 32, 1, 512, "Channels of the generator's first layer.", True),
    # Table I of the paper.
    Setting('batch_size', int, 4, 1, 1024, 'Photos a step, on each device (paper, Table I).', True),
    # Fig. 6 of the paper: higher rates oscillate, lower ones take longer.
    Setting('learning_rate', float, 0.001, 0, None,
            "Adam's rate (paper, Fig. 6); gamma and beta learn at five times the rate.", True),
    # The paper's rate is constant.
    Setting('learning_rate_decay', float, 0.0, 0, 1,
            'Last part of the run over which the rate falls to zero.', True),
    Setting('train_steps', int, None, 1, MOST_STEPS,  # the paper's two passes over the photos
            'Steps in all; without it, two passes over the photos and at least %d.' % LEAST_STEPS, False),
    Setting('image_size', int, None, 16, 4096,
            'Side of the training crops in pixels; by loss network.', True),
    Setting('style_size', int, 512, 16, 8192,  # larger means larger strokes
            'Longest side of the paintings in pixels.', True),
    # The loss network decides these: see loss_defaults.
    Setting('content_weight', float, None, 0, None, 'beta of formula (6); by loss network.', True),
    Setting('style_weight', float, None, 0, None, 'alpha of formula (6); by loss network.', True),
    Setting('tv_weight', float, None, 0, None, 'Weight of total variation; by loss network.', True),
    Setting('content_layers', list, None, None, None, 'VGG layers of (2); by loss network.', True),
    Setting('style_layers', list, None, None, None, 'VGG layers of (5); by loss network.', True),
    # A second look at each layer, and at each painting; the network that ships was trained with 25 at last.
    Setting('moments_weight', float, 0.0, 0, None,
            "Weight of the difference of VGG channels' means and deviations from the painting's.", True),
    # In the losses nothing else tells a sky of two tones from one, or glow from none.
    Setting('evenness_weight', float, 0.0, 0, None,
            'Weight of what is uneven where the photo is even: glow, skies in two tones.', True),
    Setting('teacher_weight', float, 20.0, 0, None,  # as the identity row's pixel loss
            "--teacher: weight of the pixel loss towards the teacher's pictures.", True),
    # It holds strokes to the photo: a picture of its own needs none, and each step takes a second pass.
    Setting('steady_weight', float, 0.0, 0, None,
            'Weight of the change in the picture where the photo moves a little: for films.', True),
    # The pixel loss is small where the picture is near: at 20 it is level with a style's losses.
    Setting('identity_weight', float, 20.0, 0, None, "Weight of the identity row's pixel loss.", True),
    Setting('identity_share', float, 0.1, 0, 1, 'Share of the samples that train identity.', True),
    Setting('mix_share', float, 0.25, 0, 1,  # so that styles run into each other evenly
            'Share of the samples that are painted in a random mix of two rows.', True),
    # Half of the samples or so learn any style, and the named ones stay as good as in a network of their own.
    Setting('named_share', float, 0.4, 0, 1,
            '--styles_dir: share of the samples painted in a row of a --style painting.', True),
    # A photo has textures that no painting has, and there are many.
    Setting('photo_style_share', float, 0.15, 0, 1,
            '--styles_dir: share of the pictures taken as styles that are photos.', True),
    Setting('style_crop_size', int, 224, 16, 4096,  # what VGG was trained on
            '--styles_dir: side of the crops of pictures taken as styles.', True),
    # A third each: most pictures have some change, and many of each painting are still its own.
    Setting('permute_share', float, 0.35, 0, 1,
            '--styles_dir: share of these pictures whose channels are permuted.', True),
    Setting('contrast_share', float, 0.35, 0, 1,
            '--styles_dir: share of these pictures of another contrast and tint.', True),
    Setting('turn_share', float, 0.3, 0, 1, '--styles_dir: share of these pictures that are turned.', True),
    # Penalties are small unless something goes wrong: at 1 they are what the shipped network had.
    Setting('saturation_weight', float, 1.0, 0, None, 'Weight of the penalty on dead patches.', True),
    Setting('spikes_weight', float, 1.0, 0, None, 'Weight of the penalty on spikes in features.', True),
    Setting('silence_weight', float, 1.0, 0, None, 'Weight of the penalty on unpainted pixels.', True),
    Setting('warmup_steps', int, 150, 0, MOST_STEPS,  # at once, the style paints one pattern over all
            'First steps, on the pixel loss alone; then the style comes in over five times as many.',
            True),
    Setting('vgg_weights', str, 'imagenet', None, None,  # the paper's
            'The loss network: imagenet, hed, a file of VGG-16 or VGG-19, or random[:SEED].', False),
    Setting('seed', int, 0, 0, 2 ** 32 - 1, 'Names the split, the crops and the first weights.', True),
    Setting('impl', ('auto', 'reference', 'fused'), 'auto', None, None, 'Kernel of instance norm.', False),
    Setting('devices', str, '1', None, None,
            'GPUs of this machine that train together: all, or a number.', False),
    Setting('bfloat16', bool, False, None, None,
            'Faster on CPUs with bfloat16 (TensorFlow 2.15).', True),
    Setting('save_steps', int, 500, 1, MOST_STEPS,  # a few minutes' work at most is lost
            'Steps between checkpoints.', False),
    Setting('log_steps', int, 10, 1, MOST_STEPS, 'Steps between reports.', False),
    Setting('eval_steps', int, 500, 0, MOST_STEPS,  # one more forward pass in 500 steps costs nothing
            'Steps between looks at held-out photos; 0 for none.', False),
)
BY_NAME = {setting.name: setting for setting in SETTINGS}
# What may differ between the command that started a run and the one that goes on with it.
# The loss network is compared by its checksum: its file may lie elsewhere.
FREE_ON_RESUME = ('train_steps', 'save_steps', 'log_steps', 'eval_steps', 'impl', 'vgg_weights',
                  'devices')
# A row that is added is trained on its style alone, in filters that stay as they are.
ADDING = {'identity_share': 0.0, 'warmup_steps': 0, 'saturation_weight': 0.0, 'spikes_weight': 0.0,
          'silence_weight': 0.0}


def default(name):
    """A setting's default, for who asks of it elsewhere; None where it follows from other settings."""
    return BY_NAME[name].default


def check(setting, value):
    """Returns a setting's value; raises UserError where its kind or size is not right."""
    name = setting.name
    if setting.kind is list:
        if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
            raise UserError('--%s %s: it must be names with commas between them' % (name, value))
    elif setting.kind in (str, bool) and not isinstance(value, setting.kind):
        raise UserError('--%s %s: it must be %s' % (
            name, value, 'text' if setting.kind is str else 'true or false'))
    if isinstance(setting.kind, tuple):
        if value not in setting.kind:
            raise UserError('--%s %s: there are: %s' % (name, value, ', '.join(setting.kind)))
    elif setting.kind in (int, float):
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        # Float32 is what the graph computes in. Whole numbers may be too large for any float.
        if not number or not abs(value) <= LARGEST or (
                setting.kind is int and value != int(value)):
            raise UserError('--%s %s: it must be a %s number' % (
                name, value, 'whole' if setting.kind is int else 'finite'))
        if setting.least is not None and value < setting.least:
            raise UserError('--%s %s: it must be %s or more' % (name, value, setting.least))
        if setting.most is not None and value > setting.most:
            raise UserError('--%s %s: it must be %s or less' % (name, value, setting.most))
        return setting.kind(value)
    return value


def resolve(given, settings=SETTINGS):
    """Every setting's value: what is given, else its default.

    Args:
        given: dict name -> value; None counts as not given.
        settings: the table; in that of training, what is still None follows from the loss network.

    Returns:
        dict of every setting; `train_steps` stays None where it is not given.

    Raises:
        UserError: a value is of the wrong kind or out of bounds.
        TypeError: there is no setting of a name.
    """
    known = {setting.name: setting for setting in settings}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise TypeError('no setting is called %s' % unknown[0])
    config = {name: setting.default for name, setting in known.items()}
    config.update({name: check(known[name], value) for name, value in given.items()
                   if value is not None and value not in ([], ())})
    if settings is SETTINGS:
        for name, value in loss_defaults(config['vgg_weights'])._asdict().items():
            config[name] = value if config[name] is None else config[name]
    return config


def steps_by_default(photos, batch_size):
    """Steps of a run that is not told how many: the paper's two passes over the photos, or LEAST_STEPS."""
    return max(LEAST_STEPS, 2 * photos // batch_size)


def define_flags(flags, names=None, prefix='', settings=SETTINGS):
    """Defines settings as absl flags of the script that runs; one not given is None.

    Args:
        flags: absl.flags.
        names: of the settings; None for all.
        prefix: of their help texts.
        settings: the table that they are in.
    """
    define = {int: flags.DEFINE_integer, float: flags.DEFINE_float, bool: flags.DEFINE_bool,
              str: flags.DEFINE_string, list: flags.DEFINE_list}
    for setting in [setting for setting in settings if names is None or setting.name in names]:
        default = ','.join(setting.default) if setting.kind is list and setting.default else setting.default
        text = prefix + setting.text + ('' if default is None else ' Default: %s.' % default)
        if isinstance(setting.kind, tuple):
            flags.DEFINE_enum(setting.name, None, list(setting.kind), text, module_name=sys.argv[0])
        else:
            define[setting.kind](setting.name, None, text, module_name=sys.argv[0])
