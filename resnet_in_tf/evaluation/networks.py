"""Trains the systems of a report stage by stage, and restyles photos at every stage; nothing twice.

A name such as `resnet_in` or `resnet_in@0.01` (with a learning rate of its own) names one run. What
is finished lies on disk under its name and step, so a report that was stopped goes on.
"""

import os
import time

from resnet_in_tf import files
from resnet_in_tf.evaluation import tables
from resnet_in_tf.evaluation.report.options import OF_TRAINING
from resnet_in_tf.network.generator import SYSTEMS
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling.naas import Naas
from resnet_in_tf.restyling.stylizer import Stylizer
from resnet_in_tf.training import coco, train
from resnet_in_tf.training.freeze import freeze
from resnet_in_tf.training.hooks import HISTORY, read_history
from resnet_in_tf.training.paintings import read_painting

NAAS = 'naas'
ALL_SYSTEMS = tuple(SYSTEMS) + (NAAS,)
# What the networks of one report have in common.
TRAINING = ('coco_images', 'coco_annotations') + OF_TRAINING
TRACE = 'trace.csv'


class Stopped(Exception):
    """A signal came while a network trained; the same command goes on."""


def stages(steps, every):
    """The steps at which a run is looked at: every `every`, and the last."""
    return sorted(set(range(every, steps, every)) | {steps})


def run_name(system, rate, main_rate):
    """The name of a system's run at a learning rate; the main rate goes without saying."""
    return system if rate == main_rate else '%s@%g' % (system, rate)


class Workshop:
    """The folder of a report's networks and pictures.

    Args:
        settings: dict of the report's arguments.
        paintings: dict style -> path of the painting.
        show: function of one line of text.
    """

    def __init__(self, settings, paintings, show=print):
        self.settings, self.paintings, self.show = settings, paintings, show
        self.folder = settings['output']

    def path(self, *parts):
        """A path in the report's folder."""
        return os.path.join(self.folder, *parts)

    def train(self, name, steps):
        """Trains run `name` to each of the steps and freezes it there.

        Raises:
            Stopped: a signal asked to stop.
        """
        system, _, rate = name.partition('@')
        for step in steps:
            if os.path.exists(self.network(name, step)):
                continue
            self.show('%s: training to step %d' % (name, step))
            record = train.train(
                list(self.paintings.values()), model_dir=self.path('runs', name), system=system,
                learning_rate=float(rate or self.settings['learning_rate']), train_steps=step,
                save_steps=100, eval_steps=0, show=lambda line: None,
                **{key: self.settings[key] for key in TRAINING})
            if record['status'] == 'stopped':
                raise Stopped
            freeze(self.path('runs', name), self.network(name, step))

    def network(self, name, step):
        """Path of the network of a run, frozen at a step."""
        return self.path('networks', name, '%06d.pb' % step)

    def history(self, name):
        """The losses of a run, step by step: list of dicts."""
        return read_history(self.path('runs', name, HISTORY))

    def picture(self, name, step, group, style, key):
        """Path of a photo restyled by a run at a step."""
        return self.path('stylized', name, '%06d' % step, group, style, key + '.png')

    def stylize(self, name, step, groups):
        """Restyles photos in every style with a frozen network.

        Args:
            name, step: which network.
            groups: dict of the name of a set of photos -> dict key -> uint8 [H, W, 3].
        """
        missing = {group: self.missing(name, step, group, photos) for group, photos in groups.items()}
        if not any(missing.values()):
            return
        stylizer = Stylizer(self.network(name, step), impl='reference')
        for group in [group for group in groups if missing[group]]:
            self.show('%s, step %d: %d pictures of %s photos' % (name, step, len(missing[group]), group))
            for style, key in missing[group]:
                pixels = stylizer.stylize(groups[group][key], stylizer.style_weights(style))
                write_picture(self.picture(name, step, group, style, key), pixels)
        stylizer.close()

    def missing(self, name, step, group, photos):
        """The (style, key) that are still to be painted."""
        return [(style, key) for style in self.paintings for key in photos
                if not os.path.exists(self.picture(name, step, group, style, key))]

    def naas(self, steps, group, photos):
        """Paints photos in every style with NAAS, and keeps the pictures at each of the iterations.

        Args:
            steps: iterations at which the picture is kept; the last one ends the work.
            group, photos: name of the set of photos, and dict key -> uint8 [H, W, 3].
        """
        missing = self.missing(NAAS, steps[-1], group, photos)
        for style, painting in self.paintings.items():
            keys = [key for other, key in missing if other == style]
            if not keys:
                continue
            painter = Naas(read_painting(painting, self.settings['style_size']),
                           **self.naas_settings())
            for done, key in enumerate(keys):
                self.show('naas, %s: photo %d of %d (%s)' % (style, done + 1, len(keys), group))
                self.naas_picture(painter, steps, group, style, key, photos[key])
            painter.close()

    def naas_settings(self):
        """The settings that NAAS shares with training."""
        return {key: self.settings[key] for key in
                ('vgg_weights', 'content_weight', 'style_weight', 'tv_weight', 'bfloat16')}

    def naas_picture(self, painter, steps, group, style, key, photo):
        """One photo: the pictures at `steps`, and the losses on the way."""
        start, trace, kept = time.perf_counter(), [], []

        def on_iteration(progress):
            trace.append({'iteration': progress.iteration, 'total': progress.total,
                          'content': progress.content, 'style': progress.style,
                          'seconds': time.perf_counter() - start})
            if progress.iteration in steps[:-1]:
                write_picture(self.picture(NAAS, progress.iteration, group, style, key),
                              progress.pixels)
                kept.append(progress.iteration)

        pixels = painter.stylize(photo, steps[-1], on_iteration)
        tables.write_csv(self.path('stylized', NAAS, group, style, key + '.' + TRACE), trace or [
            {'iteration': 0, 'total': None, 'content': None, 'style': None, 'seconds': 0.0}])
        # Where L-BFGS-B ended early, its last picture stands for the iterations it did without.
        for step in [step for step in steps if step not in kept]:
            write_picture(self.picture(NAAS, step, group, style, key), pixels)

    def naas_trace(self, group, style, key):
        """The losses of one picture by iteration: list of dicts of float."""
        path = self.path('stylized', NAAS, group, style, key + '.' + TRACE)
        return [{name: float(value) for name, value in row.items() if value}
                for row in tables.read_csv(path)]

    def read(self, name, step, group, style, key):
        """A restyled photo: uint8 [H, W, 3]."""
        return images.read(self.picture(name, step, group, style, key))


def write_picture(path, pixels):
    """Writes a PNG and makes its folder."""
    files.write_file(path, images.encode(pixels, 'PNG'))


def split(settings):
    """The training run's own split of the photos: coco.Split."""
    names = coco.list_photos(settings['coco_images'], settings['coco_annotations'])
    return coco.split_photos(names, settings['seed'])
