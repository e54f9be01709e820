"""A frozen network at work: style mixes, strength, the photo's own colours."""

import os
import re
import threading
import unicodedata

import numpy as np

from resnet_in_tf import memory
from resnet_in_tf.errors import UserError
from resnet_in_tf.network.regions import Regions
from resnet_in_tf.numerals import whole
from resnet_in_tf.pictures import brush as brushes
from resnet_in_tf.restyling import engines, matching, pipeline, regions
from resnet_in_tf.restyling.style_images import StyleImages, image_name, parse_image

LONGEST_MIX = 10000  # characters: names and weights of some hundred styles
LONGEST_NUMBER = 40
LARGEST_WEIGHT = 1e300  # so that no sum of them overflows


class Stylizer:
    """Restyles pictures with a frozen network, of any size, one pass each.

    `restyle` takes photos as a program has them; `style_weights` and `stylize` are its parts. It can stand in
    a `with`, which closes it.

    Args:
        model: path of a .pb that freeze_graph.py wrote, for onnxruntime a .onnx too; None for the network
            that ships.
        impl: instance norm's kernel: 'auto' takes the fused one where it is there, 'fused' insists,
            'reference' leaves the graph as it is.
        engine: what runs the network, a key of engines.ENGINES, or 'auto': TensorFlow where it is installed,
            but onnxruntime for a .onnx.
        max_memory: int, bytes that the process may hold while it makes a style of a picture; None does
            not ask.
        precision: 'float32', 'bfloat16', or 'auto' for bfloat16 where the processor is fast in it and it is
            near enough.

    Attributes:
        style_names: list of str, one a column of style weights; the last is `identity`.
        styles: the same without `identity`.
        card: dict that tells how the network was trained.
        engine: engines.Engine, with the graph, its width and what runs it.
        style_images: style_images.StyleImages; None where the network makes no row from a picture.

    Raises:
        UserError: the file is missing or is not such a graph, or the engine is not installed, or has
            no bfloat16.
    """

    def __init__(self, model=None, impl='auto', engine='auto', max_memory=None, precision='float32'):
        engine, self.model = engines.network(engine, None if model is None else os.fspath(model))
        self.engine = engines.start(engine, self.model, impl, precision)
        self.region_engine, self.lock = None, threading.Lock()
        self.style_names, self.card, self.run = (
            self.engine.style_names, self.engine.card, self.engine.run)
        self.styles = self.style_names[:-1]
        self.style_images = self.engine.predict and StyleImages(
            self.engine.predict, self.card, self.engine.checksum, max_memory)

    def style_weights(self, mix, strength=1.0, images=(), refine=None):
        """Style weights of named styles, of pictures, or of both.

        Args:
            mix, strength: as in `parse_mix`; None for the images alone, or, without any,
                for the first style.
            images: paths of pictures as styles, each with a weight or without, 'a.jpg:0.7'.
            refine: what trains the mix of the pictures' rows further, as refining.with_progress gives it;
                or None.

        Returns:
            float32 [S]; with images [S + R], and the mix of their rows behind the weights.

        Raises:
            UserError: as `parse_mix`; a picture that cannot be read, or a network without a predictor.
        """
        if not images:
            return parse_mix('1' if mix is None else mix, strength, self.style_names)
        if self.style_images is None:
            raise UserError('--style_image %s: %s makes no style from a picture; train.py --styles_dir '
                            'trains one that does, and --system naas needs none' % (images[0], self.model))
        paths, amounts = zip(*map(parse_image, images))
        shares = parse_mix(mix, strength, self.style_names, amounts, '--style_image %s' % images[0])
        weights = with_rows(shares, [self.style_images.row(path) for path in paths])
        styles = len(self.style_names)
        own = shares[styles:].sum()
        if refine and own > 0:
            paintings = [self.style_images.painting(path) for path in paths]
            refined = refine(self.engine.graph_def, weights[styles:] / own, paintings, shares[styles:] / own)
            weights[styles:] = own * refined.row
        return weights

    def asked(self, style, strength=1.0, style_images=(), mask=None, elsewhere=None, refine=None):
        """The style of a picture, or of its regions.

        Args:
            style, strength, style_images, refine: as in `style_weights`.
            mask, elsewhere: as in `restyle`.

        Returns:
            (float32 [S] or [S + R], or Regions; list of str, the names of the styles in them).

        Raises:
            UserError: as `style_weights` and regions.asked.
        """
        if mask is None or isinstance(mask, list) and not mask:
            if elsewhere is not None:
                raise UserError('--elsewhere %s: is the style outside of a --mask; name one' % elsewhere)
            weights = self.style_weights(style, strength, style_images, refine)
            return weights, self.styles_in(weights, style_images)
        masks = mask if isinstance(mask, list) else [mask]
        return regions.asked(self, masks, elsewhere, style, style_images, strength, refine)

    def styles_in(self, style_weights, images=()):
        """Names of the styles that have a share in a mix, and of pictures as styles: list of str.

        Args:
            style_weights, images: what `style_weights` gave, and the images that it was given.
        """
        names = [name for name, weight in zip(self.styles, style_weights) if weight > 0]
        return names + list(map(image_name, images)) or self.style_names[-1:]

    def stylize(self, pixels, style_weights):
        """Restyles one picture or several of one size.

        Args:
            pixels: uint8 or float32 [H, W, 3] or [N, H, W, 3], RGB in [0, 255].
            style_weights: float32 [S] for all, or [N, S]; what `style_weights` gives for pictures, too; or
                Regions.

        Returns:
            float32 of the shape of `pixels`, in [0, 255].
        """
        pixels = np.asarray(pixels, np.float32)
        if isinstance(style_weights, Regions):
            return self.stylize_regions(pixels, style_weights)
        batch = pixels if pixels.ndim == 4 else pixels[None]
        weights = np.asarray(style_weights, np.float32)
        weights = np.broadcast_to(weights, [len(batch), weights.shape[-1]])
        stylized = self.run(batch, weights)
        return stylized if pixels.ndim == 4 else stylized[0]

    def restyle(self, photo, style=None, strength=1.0, style_image=(), preserve_color=False, max_memory=None,
                exact=False, brush=None, match_color=None, mask=None, elsewhere=None):
        """Restyles a photo as `stylize.py` does.

        Args:
            photo: path, PIL image, or uint8 array [H, W], [H, W, 3] or [H, W, 4]. It is turned by its EXIF
                tag and brought to sRGB.
            style: a name, a number from 1 up, or a mix 'wave:0.7,udnie:0.3'; None for the first one, or for
                `style_image` alone.
            strength: 0 (the photo) to 1 (the style).
            style_image: path of any picture as a style, with a weight or without ('a.jpg:0.7'), or a list of
                such; for a network with a style predictor.
            preserve_color: whether the photo's colours are kept.
            max_memory: '2GB', or int, bytes that the process may hold; what needs more runs in tiles. None
                for most of what is free.
            exact: whether tiles use true statistics, slower and with features on disk.
            brush: size of strokes: a number from 0.5, fine, to 2, broad, or 'fixed:512' for strokes as on a
                photo with a long side of 512 pixels.
            match_color: 'photo' or 'painting', the palette that the colours are moved to, with an amount
                from 0 to 2 or without: 'photo:0.5'.
            mask: where `style` is painted, white inside: path, PIL image or array; or a list of masks, each
                in a pair with a style.
            elsewhere: the style of what no mask has; None for the photo itself.

        Returns:
            PIL image of the photo's size, upright: RGB, or RGBA where the photo has transparency.

        Raises:
            errors.UserError: what is given cannot be used, in one line that names it.
        """
        images = [style_image] if isinstance(style_image, (str, os.PathLike)) else style_image
        images = [os.fspath(image) for image in images or ()]
        weights, _ = self.asked(style, strength, images, mask, elsewhere)
        limit = memory.limit_by_default() if max_memory is None else memory.parse_size(max_memory)
        match = matching.read(match_color, self.engine, weights, preserve_color)
        options = pipeline.Options(weights, preserve_color, None, exact, brushes.parse(brush), match)
        return pipeline.restyle_photo(self, photo, options, limit)

    def stylize_regions(self, pixels, style):
        """Restyles by region; arguments and result as in `stylize`."""
        with self.lock:  # two pictures that come at once open one network
            if self.region_engine is None:
                self.region_engine = regions.RegionEngine(self.engine)
        if pixels.ndim == 3:
            return self.region_engine.stylize(pixels, style)
        return np.stack([self.region_engine.stylize(picture, style) for picture in pixels])

    def close(self):
        """Gives the network's memory back."""
        if self.engine is not None:
            self.engine.close()
        if self.region_engine is not None:
            self.region_engine.close()
        self.engine = self.run = self.region_engine = None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


def parse_mix(mix, strength, style_names, amounts=(), flag=None):
    """Turns a style mix and a strength into a row of style weights.

    Args:
        mix: 'wave', '2' (the second style) or 'wave:0.7,udnie:0.3'; weights are made to sum to one.
        strength: 0 (the photo) to 1 (the style): the mix (1 - s) * identity + s * style.
        style_names: list of str; the last is `identity`.
        amounts: weights of pictures as styles beside the named ones; then mix may be None.
        flag: str that begins a message about weights that are all zero.

    Returns:
        float32 [S + len(amounts)] that sums to one.

    Raises:
        UserError: unknown style, or a number that is not one.
    """
    if not 0 <= strength <= 1:
        raise UserError('--strength %g is not between 0 and 1' % strength)
    styles = len(style_names)
    named = np.zeros(styles) if mix is None else parse_amounts(mix, style_names)
    weights = spread(np.concatenate([named, amounts]), strength, flag or '--style %s' % shown(str(mix)))
    weights[styles - 1] += 1.0 - strength
    return weights.astype(np.float32)


def with_rows(weights, rows):
    """Puts the rows of pictures in the place of their weights.

    Args:
        weights: float32 [S + len(rows)], as `parse_mix` gives them.
        rows: list of float32 [R].

    Returns:
        float32 [S + R], the mix of the rows behind the named styles' weights; [S] without rows.
    """
    styles = len(weights) - len(rows)
    mixed = sum(weight * row for weight, row in zip(weights[styles:], rows)) if rows else []
    return np.concatenate([weights[:styles], mixed]).astype(np.float32)


def parse_amounts(mix, style_names):
    """The weights of a mix as they are written: float64 [S]; arguments and errors as in `parse_mix`."""
    mix = str(mix)
    if len(mix) > LONGEST_MIX:
        raise UserError('--style %s: %d characters are more than a mix may have, which is %d'
                        % (shown(mix), len(mix), LONGEST_MIX))
    numbers = {same_letters(name): number for number, name in reversed(list(enumerate(style_names)))}
    weights = np.zeros(len(style_names), np.float64)
    before = ''
    for part in mix.split(','):
        name, _, amount = [word.strip() for word in part.partition(':')]
        if name.isdecimal() and not amount and re.fullmatch(r'[^:]*:\s*\d+\s*', before):
            raise UserError('--style %s: a comma stands between styles; write the weight as in %s.%s, or the '
                            'second style as %s:1' % (shown(mix), before.strip(), name, name))
        before = part
        try:
            value = float(amount) if amount else 1.0
        except ValueError:
            value = -1.0
        if not 0 <= value <= LARGEST_WEIGHT or len(amount) > LONGEST_NUMBER:
            raise UserError('--style %s: the weight of %s must be a number from 0 up, as in %s:0.5'
                            % (shown(mix), shown(name or 'a style'), shown(name or 'wave')))
        if same_letters(name) in numbers:
            number = numbers[same_letters(name)]
        elif whole(name, len(style_names) - 1):
            number = int(name) - 1
        else:
            raise UserError('--style %s: this network has no style %r; it has %s' % (
                shown(mix), shown(name), ', '.join('%d %s' % (place, known)
                                                   for place, known in enumerate(style_names[:-1], 1))))
        weights[number] += value
    return weights


def spread(amounts, strength, flag):
    """Makes weights sum to a strength: float64 of the same shape.

    Raises:
        UserError: they are all zero; `flag` begins the message.
    """
    if not amounts.max() > 0:
        raise UserError('%s: the weights sum to zero' % flag)
    amounts = amounts / amounts.max()  # first, for sums of large numbers overflow and small ones vanish
    return amounts * (strength / amounts.sum())


def shown(text):
    """A text as far as a message has room for it."""
    return text if len(text) <= 200 else text[:200] + '...'


def same_letters(name):
    """A name with each accent in one letter with its own: the same on every keyboard and file system."""
    return unicodedata.normalize('NFC', name)
