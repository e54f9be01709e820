"""What the losses default to for each kind of loss network: one row a kind."""

import collections

LossDefaults = collections.namedtuple(
    'LossDefaults', 'content_layers style_layers content_weight style_weight tv_weight image_size')
GATYS = (('relu4_2',), ('relu1_1', 'relu2_1', 'relu3_1', 'relu4_1', 'relu5_1'))  # Gatys et al. 2016

# Crops of 256 pixels are what the literature cuts from COCO. `hed` is for those who train on their own
# computer: 2000 steps with 128 pixels and --bfloat16 took two cores some twelve minutes' work.
# The weights of `imagenet` are those found with `random`: there they have not been tried.
LOSS_DEFAULTS = {
    'imagenet': LossDefaults(*GATYS, content_weight=0.6, style_weight=8.0, tv_weight=30.0,
                             image_size=256),
    # Without `lightness` flat places came out inverted, as white or yellow blobs: features tell an edge's
    # course better than which side of it is light. relu4_2 let go of faces; relu3_3 holds them. Without
    # `input` strokes were right and colours were not: The Starry Night came out lilac after 5000 steps, and
    # blue 200 steps after it was added.
    'hed': LossDefaults(('lightness', 'relu3_3'), ('input', 'relu1_1', 'relu2_1', 'relu3_1', 'relu4_1'),
                        content_weight=2.0, style_weight=10.0, tv_weight=4.0, image_size=128),
    'random': LossDefaults(('lightness', 'relu3_1'),
                           ('input', 'relu1_1', 'relu2_1', 'relu3_1', 'relu4_1'),
                           content_weight=0.6, style_weight=8.0, tv_weight=30.0, image_size=256),
}


def loss_defaults(vgg_weights):
    """The LossDefaults for a value of --vgg_weights; a file counts as ImageNet's."""
    kind = vgg_weights if vgg_weights in LOSS_DEFAULTS else (
        'random' if vgg_weights.startswith('random:') else 'imagenet')
    return LOSS_DEFAULTS[kind]
