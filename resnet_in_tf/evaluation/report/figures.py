"""The report's figures, with matplotlib; the paper's figures stand in panels of their own."""

import io
import os

import numpy as np

from resnet_in_tf import files
from resnet_in_tf.evaluation.paper_numbers import SYSTEM_NAMES
from resnet_in_tf.pictures import images

COLOURS = {'resnet_in': '#c0392b', 'cnn': '#7f8c8d', 'cnn_bn': '#2980b9', 'fnst': '#27ae60',
           'naas': '#8e44ad', 'resnet_contrast': '#d35400'}


def pyplot():
    """matplotlib.pyplot with a backend that needs no screen."""
    import matplotlib
    matplotlib.use('Agg')
    from matplotlib import pyplot as plt
    return plt


def save(figure, folder, name):
    """Writes a figure as PNG, whole or not at all."""
    data = io.BytesIO()
    figure.savefig(data, format='png', dpi=110, bbox_inches='tight')
    pyplot().close(figure)
    files.write_file(os.path.join(folder, name + '.png'), data.getvalue())


def label(system):
    """A system's name as the paper writes it."""
    return SYSTEM_NAMES.get(system, system)


def curves(folder, name, losses, accuracies, x_label):
    """Loss and accuracy over steps (Fig. 6, Fig. 8).

    Args:
        folder, name: where the PNG goes.
        losses, accuracies: dict line's label -> (list of steps, list of values, colour or None).
        x_label: str.
    """
    plt = pyplot()
    figure, axes = plt.subplots(1, 2, figsize=(11, 3.8))
    for axis, lines, title in ((axes[0], losses, 'Loss, measured'),
                               (axes[1], accuracies, 'Accuracy, measured')):
        for text, (steps, values, colour) in lines.items():
            axis.plot(steps, values, '-' if title.startswith('Loss') else 'o-', color=colour,
                      label=text, linewidth=1.4)
        axis.set_xlabel(x_label)
        axis.set_title(title)
        axis.grid(alpha=0.3)
    axes[0].set_yscale('log')
    axes[1].set_ylim(-0.03, 1.03)
    axes[1].legend(fontsize=8)
    save(figure, folder, name)


def bars(folder, name, measured, paper, columns, ceiling=None, floor=None):
    """Grouped bars, measured on the left and the paper's on the right (Fig. 7, Fig. 10, Table III).

    Args:
        folder, name: where the PNG goes.
        measured, paper: dict system -> list of values, one a column; None or NaN for none.
        columns: names of the columns.
        ceiling, floor: measured values or None, one a column, drawn as lines; or None.
    """
    plt = pyplot()
    panels = [('Measured', measured)] + ([('The paper', paper)] if paper else [])
    figure, axes = plt.subplots(1, len(panels), figsize=(5.5 * len(panels), 3.8), sharey=True,
                                squeeze=False)
    for axis, (title, values) in zip(axes[0], panels):
        width = 0.8 / max(1, len(values))
        for place, (system, heights) in enumerate(values.items()):
            heights = [np.nan if height is None else height for height in heights]
            axis.bar(np.arange(len(columns)) + (place - (len(values) - 1) / 2.0) * width, heights,
                     width, color=COLOURS.get(system), label=label(system))
        axis.set_xticks(np.arange(len(columns)))
        axis.set_xticklabels(columns)
        axis.set_title(title)
        axis.set_ylim(0, 1.03)
        axis.grid(axis='y', alpha=0.3)
    for heights, text, style in ((ceiling, 'ceiling', '--'), (floor, 'floor', ':')):
        for place, height in enumerate(heights or []):
            height = np.nan if height is None else height
            axes[0][0].plot([place - 0.45, place + 0.45], [height, height], style, color='black',
                            linewidth=1, label=text if not place else None)
    handles, texts = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, texts, fontsize=8, loc='lower center', ncol=len(texts),
                  bbox_to_anchor=(0.5, -0.07))
    save(figure, folder, name)


def satisfaction(folder, name, rows):
    """Fig. 9: mean points with their 95 % intervals, one panel a system.

    Args:
        folder, name: where the PNG goes.
        rows: list of dicts: system, style, question, mean, low, high (None without an interval).
    """
    plt = pyplot()
    systems, styles, questions = [list(dict.fromkeys(row[key] for row in rows))
                                  for key in ('system', 'style', 'question')]
    size = (max(4, 1.5 * len(styles)) * len(systems), 3.8)
    figure, axes = plt.subplots(1, len(systems), figsize=size, sharey=True, squeeze=False)
    width = 0.8 / len(questions)
    for axis, system in zip(axes[0], systems):
        for place, question in enumerate(questions):
            for row in rows:
                if row['system'] != system or row['question'] != question:
                    continue
                x = styles.index(row['style']) + (place - (len(questions) - 1) / 2.0) * width
                known = row['low'] is not None
                axis.bar(x, row['mean'], width, color='C%d' % place, capsize=2,
                         yerr=[[row['mean'] - row['low']], [row['high'] - row['mean']]]
                         if known else None)
        axis.set_xticks(range(len(styles)))
        axis.set_xticklabels(styles, rotation=20, fontsize=8)
        axis.set_title(label(system))
        axis.set_ylim(0, 10)
    axes[0][0].legend([plt.Rectangle((0, 0), 1, 1, color='C%d' % place)
                       for place in range(len(questions))], questions, fontsize=7)
    save(figure, folder, name)


def grid(path, rows, columns, cell=200):
    """A picture of pictures: rows photos, columns systems, with the systems' names on top.

    Args:
        path: of the PNG.
        rows: list of rows, each a list of uint8 [H, W, 3].
        columns: list of str, one a column.
        cell: width of a picture in pixels.
    """
    plt = pyplot()
    shapes = [row[0].shape for row in rows]
    heights = [shape[0] / float(shape[1]) for shape in shapes]
    inch = cell / 100.0
    figure, axes = plt.subplots(
        len(rows), len(columns), squeeze=False, dpi=100,
        figsize=(inch * len(columns), inch * sum(heights) + 0.3),
        gridspec_kw={'height_ratios': heights, 'wspace': 0.02, 'hspace': 0.02})
    for line, row in zip(axes, rows):
        for axis, picture in zip(line, row):
            height, width = picture.shape[:2]
            axis.imshow(images.resize(picture, cell, max(1, round(cell * height / width))))
            axis.axis('off')
    for axis, name in zip(axes[0], columns):
        axis.set_title(name, fontsize=9)
    data = io.BytesIO()
    figure.savefig(data, format='png', dpi=100, bbox_inches='tight', pad_inches=0.02)
    plt.close(figure)
    files.write_file(path, data.getvalue())
