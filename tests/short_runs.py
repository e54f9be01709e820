"""Runs of training in this process, of a second or two."""

import os

from resnet_in_tf.training import train
from resnet_in_tf.training.hooks import read_history


def history(model_dir):
    """The rows of a run's history.csv: list of dict."""
    return read_history(os.path.join(model_dir, 'history.csv'))


def short(paintings, photos, model_dir, **changed):
    """Trains in this process, on one layer, for two steps: (run record, lines it reported)."""
    lines = []
    settings = dict({'train_steps': 2, 'image_size': 16, 'style_size': 24, 'batch_size': 2, 'width': 1,
                     'content_layers': ['relu1_1'], 'style_layers': ['relu1_1'], 'warmup_steps': 0,
                     'vgg_weights': 'random', 'show': lines.append}, **changed)
    return train.train(paintings, photos, str(model_dir), **settings), lines
