"""What happens around each training step: progress, history, signals; and clearing up after NaN."""

import csv
import io
import os
import signal
import sys
import time

import numpy as np
import tensorflow.compat.v1 as tf
from tqdm import tqdm

from resnet_in_tf import files

HISTORY = 'history.csv'
PARTS = ('total', 'content', 'style', 'total_variation', 'identity_pixel')


class ProgressHook(tf.train.SessionRunHook):
    """Shows losses, images a second and time left, and appends the losses to `history.csv`.

    Args:
        model_dir: folder of the run.
        start, stop: first step and the one after the last.
        batch_size: images a step.
        every: steps between two reports.
        report: function of one line, used where the output is no terminal.
    """

    def __init__(self, model_dir, start, stop, batch_size, every, report):
        self.path = os.path.join(model_dir, HISTORY)
        self.start, self.stop, self.batch_size, self.every = start, stop, batch_size, every
        self.report, self.latest = report, {}
        self.bar = None

    def begin(self):
        graph = tf.get_default_graph()
        self.fetches = {part: graph.get_tensor_by_name('report/%s:0' % part) for part in PARTS}
        self.step, self.began = self.start, time.time()
        text = io.StringIO(newline='')
        writer = csv.DictWriter(text, ('step',) + PARTS)
        writer.writeheader()
        writer.writerows(row for row in read_history(self.path) if row['step'] <= self.start)
        files.write_file(self.path, text.getvalue().encode('ascii'))
        if sys.stderr.isatty():
            self.bar = tqdm(initial=self.start, total=self.stop, unit='step', dynamic_ncols=True)

    def before_run(self, run_context):
        due = (self.step + 1) % self.every == 0 or self.step + 1 in (self.start + 1, self.stop)
        return tf.train.SessionRunArgs(self.fetches if due else {})

    def after_run(self, run_context, run_values):
        self.step += 1
        if self.bar:
            self.bar.update()
        if not run_values.results:
            return
        self.latest = {part: float(value) for part, value in run_values.results.items()}
        with open(self.path, 'a', newline='') as file:
            csv.DictWriter(file, ('step',) + PARTS).writerow(dict(self.latest, step=self.step))
        speed = (self.step - self.start) / max(time.time() - self.began, 1e-9)
        shown = '  '.join('%s %.4g' % (part, self.latest[part]) for part in PARTS)
        if self.bar:
            self.bar.set_postfix_str('%s  %.1f images/s' % (shown, speed * self.batch_size))
        else:
            left = time.strftime('%H:%M:%S', time.gmtime((self.stop - self.step) / speed))
            self.report('step %d of %d  %s  %.1f images/s  %s left'
                        % (self.step, self.stop, shown, speed * self.batch_size, left))

    def end(self, session):
        if self.bar:
            self.bar.close()


def read_history(path):
    """The rows of a `history.csv`: list of dicts of numbers; empty where there is no file."""
    if not os.path.exists(path):
        return []
    rows = []
    with open(path, newline='', errors='replace') as file:
        for row in csv.DictReader(line.replace('\0', '') for line in file):
            try:
                rows.append(dict({part: float(row[part]) for part in PARTS}, step=int(row['step'])))
            except (KeyError, TypeError, ValueError):  # a row that a crash cut short
                continue
    return rows


class StopOnSignal(tf.train.SessionRunHook):
    """Ends a run after the step in hand, with a checkpoint, on Ctrl-C or SIGTERM.

    A context manager: the former handlers are back when it closes. `signal` is what came, or None.
    """

    def __init__(self):
        self.signal = None
        self.former = {}

    def __enter__(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                self.former[number] = signal.signal(number, self.receive)
            except ValueError:  # not the main thread: whoever runs us handles signals
                break
        return self

    def receive(self, number, frame):
        del frame
        self.signal = number

    def __exit__(self, *error):
        for number, handler in self.former.items():
            signal.signal(number, handler)

    def after_run(self, run_context, run_values):
        if self.signal:
            run_context.request_stop()


def drop_bad_checkpoints(model_dir, bad_step):
    """Deletes checkpoints that lead to NaN, newest first.

    Args:
        model_dir: folder of the run.
        bad_step: the step that found NaN; what it started from is bad, if finite.

    Returns:
        The step of the newest sound checkpoint, None where there is none.
    """
    state = tf.train.get_checkpoint_state(model_dir)
    paths = list(state.all_model_checkpoint_paths) if state else []
    while paths and (step_of(paths[-1]) >= bad_step - 1 or not is_finite(paths[-1])):
        tf.train.remove_checkpoint(paths.pop())
    if not paths:
        if state:
            os.remove(os.path.join(model_dir, 'checkpoint'))
        return None
    tf.train.update_checkpoint_state(model_dir, paths[-1], paths)
    return step_of(paths[-1])


def step_of(path):
    """The step that a checkpoint was written at."""
    return int(tf.train.load_checkpoint(path).get_tensor('global_step'))


def is_finite(path):
    """Whether every number of a checkpoint is finite."""
    reader = tf.train.load_checkpoint(path)
    return all(np.all(np.isfinite(reader.get_tensor(name)))
               for name, dtype in reader.get_variable_to_dtype_map().items() if dtype.is_floating)
