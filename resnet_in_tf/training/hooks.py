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
from resnet_in_tf.errors import UserError
from resnet_in_tf.perceptual.objective import PARTS
from resnet_in_tf.training import checkpoints

HISTORY = 'history.csv'
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
HELD_OUT = tuple('held_out_' + part for part in PARTS)
COLUMNS = ('step',) + PARTS + HELD_OUT
REQUIRED = ('total', 'content', 'style', 'total_variation', 'identity_pixel')  # of the oldest files


class ProgressHook(tf.train.SessionRunHook):
    """Shows losses, images a second and time left, and appends the losses to `history.csv`.

    It comes before the hook that writes checkpoints, so that a step's row is there when its
    checkpoint is: a run that is killed between the two loses neither.

    Args:
        model_dir: folder of the run.
        start, stop: first step and the one after the last.
        batch_size: images a step.
        every: steps between two reports.
        show: function of one line, used where the output is no terminal.
        eval_every: steps between two looks at the held-out photos, 0 for none.
    """

    def __init__(self, model_dir, start, stop, batch_size, every, show, eval_every=0):
        self.folder, self.path = model_dir, os.path.join(model_dir, HISTORY)
        self.start, self.stop, self.batch_size, self.every = start, stop, batch_size, every
        self.show, self.eval_every, self.latest = show, eval_every, {}
        self.bar = self.events = None

    def begin(self):
        graph = tf.get_default_graph()
        self.fetches = {part: graph.get_tensor_by_name('report/%s:0' % part) for part in PARTS}
        self.held_out = {'held_out_' + part: graph.get_tensor_by_name('held_out/%s:0' % part)
                         for part in PARTS} if self.eval_every else {}
        self.step, self.began = self.start, time.time()
        text = io.StringIO(newline='')
        writer = csv.DictWriter(text, COLUMNS)
        writer.writeheader()
        writer.writerows(row for row in read_history(self.path) if row['step'] <= self.start)
        files.write_file(self.path, text.getvalue().encode('ascii'))
        if sys.stderr.isatty():
            self.bar = tqdm(initial=self.start, total=self.stop, unit='step', dynamic_ncols=True)

    def eval_is_due(self, step):
        return bool(self.held_out) and (step % self.eval_every == 0 or step == self.stop)

    def before_run(self, run_context):
        step = self.step + 1
        due = (step % self.every == 0 or step in (self.start + 1, self.stop)
               or self.eval_is_due(step))
        return tf.train.SessionRunArgs(self.fetches if due else {})

    def after_run(self, run_context, run_values):
        self.step += 1
        if self.bar:
            self.bar.update()
        if not run_values.results:
            return
        self.latest = {part: float(value) for part, value in run_values.results.items()}
        row = dict(self.latest, step=self.step)
        if self.eval_is_due(self.step):
            row.update(self.evaluate(run_context.session))
        self.append(row)
        speed = (self.step - self.start) / max(time.time() - self.began, 1e-9)
        shown = '  '.join('%s %.4g' % (part, row[part]) for part in PARTS)
        if HELD_OUT[0] in row:
            shown += '  held-out total %.4g' % row[HELD_OUT[0]]
        if self.bar:
            self.bar.set_postfix_str('%s  %.1f images/s' % (shown, speed * self.batch_size))
        else:
            left = tqdm.format_interval((self.stop - self.step) / speed)
            self.show('step %d of %d  %s  %.1f images/s  %s left'
                      % (self.step, self.stop, shown, speed * self.batch_size, left))

    def evaluate(self, session):
        """The losses of the held-out photos: dict; TensorBoard shows them on training's charts."""
        values = {name: float(value) for name, value in session.run(self.held_out).items()}
        if self.events is None:
            with tf.Graph().as_default():
                self.events = tf.summary.FileWriter(os.path.join(self.folder, 'held_out'))
        summary = tf.Summary(value=[tf.Summary.Value(tag='losses/' + part,
                                                     simple_value=values['held_out_' + part])
                                    for part in PARTS])
        self.events.add_summary(summary, self.step)
        self.events.flush()
        return values

    def append(self, row):
        """Writes a row of losses."""
        try:
            with open(self.path, 'a', newline='') as file:
                csv.DictWriter(file, COLUMNS).writerow(row)
        except OSError as error:
            raise UserError('%s: cannot be written (%s); free some space, then the same command goes '
                            'on from the last checkpoint' % (self.path, error.strerror)) from error

    def end(self, session):
        if self.bar:
            self.bar.close()
        if self.events is not None:
            self.events.close()


def read_history(path):
    """The rows of a `history.csv`, old or new: list of dicts of numbers; empty where there is no file.

    A row lacks what its run did not measure at that step.

    Raises:
        UserError: what is there cannot be read, or is no such file: it would be lost.
    """
    if not os.path.exists(path):
        return []
    try:
        with open(path, newline='', errors='replace') as file:
            lines = [line.replace('\0', '') for line in file if line.endswith('\n')]
        reader = csv.DictReader(lines)
        found, columns = list(reader), reader.fieldnames
    except (OSError, csv.Error) as error:
        raise UserError('%s: cannot be read (%s); move it away'
                        % (path, getattr(error, 'strerror', None) or error)) from error
    missing = [name for name in ('step',) + REQUIRED if columns and name not in columns]
    if missing:
        raise UserError('%s: is not the history of a run, it has no column %s; move it away'
                        % (path, missing[0]))
    rows = []
    for row in found:
        try:
            values = {part: float(row[part]) for part in PARTS + HELD_OUT if row.get(part)}
            if None not in row.values() and set(REQUIRED) <= set(values):
                rows.append(dict(values, step=int(row['step'])))
        except (KeyError, TypeError, ValueError):  # a damaged row
            continue
    return rows


class StopOnSignal(tf.train.SessionRunHook):
    """Ends a run after the step in hand, with a checkpoint, on Ctrl-C, SIGTERM or a closed terminal.

    A context manager: the former handlers are back when it closes. `signal` is what came, or None.
    """

    def __init__(self):
        self.signal = None
        self.former = {}

    def __enter__(self):
        for number in SIGNALS:
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:  # nohup
                continue
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
    names = checkpoints.complete(model_dir)
    while names:
        values = checkpoints.read(model_dir, names[-1])
        step = int(values['global_step'])
        if step < bad_step - 1 and all(np.all(np.isfinite(value)) for value in values.values()):
            checkpoints.write_state(model_dir, names)
            return step
        checkpoints.delete(model_dir, names.pop())
    state = os.path.join(model_dir, checkpoints.STATE)
    if os.path.exists(state):
        os.remove(state)
    return None
