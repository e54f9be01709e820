"""Writes a report's CSV files, figures, grid and report.md."""

import os
import platform

import tensorflow.compat.v1 as tf

from resnet_in_tf import files
from resnet_in_tf.evaluation import paper_numbers, tables
from resnet_in_tf.evaluation.networks import NAAS
from resnet_in_tf.evaluation.report import claims, figures, report_tables

TEXT = """# The five systems side by side

Made by `evaluate.py report`. Columns called *(measured)* hold this run's numbers, columns called
*(paper)* the figures that the paper prints; an empty cell means that there is none. Under each
table stands the CSV file that holds its numbers; the single pictures' are in `csv/pictures_*.csv`.
What each measure means is in `docs/evaluation.md`.

## This run

{run}

## The paper's claims

`measured` is ResNet-IN's figure minus the rival's, or the figure itself where no rival is named;
`95 %` is its interval over the test photos. Each system was trained once: the intervals say
nothing of what another training run would give.

{claims}

## Style recognition (Fig. 7, Fig. 10)

A judge that knows the paintings looks at each restyled photo; right is the style that was asked
for.

{recognition}

![AUC](figures/fig7_auc.png)
![Accuracy, recall, F1](figures/fig10_recognition.png)

## Loss and accuracy over training (Fig. 8)

Steps for the networks, L-BFGS-B iterations on each picture for NAAS: the two share an axis, not a
unit. A network's loss is that of its training batches, `identity` and warm-up included.

{curves}

![Curves](figures/fig8_curves.png)

## Learning rate (Fig. 6)

ResNet-IN, {learning_rate_steps} steps at each rate.

{learning_rates}

![Learning rates](figures/fig6_learning_rate.png)

## Content and style loss on the test photos

Under training's own loss network, lower is nearer; the untouched photo has no content loss.

{losses}

## MIoU (Table III)

Segments of the photo against segments of the restyled photo.

{table3}

![MIoU](figures/table3_miou.png)
{masks}
## Time (Table II)

{times_note}

{table2}

{speeds}

## Satisfaction (Fig. 9)

Asks people: `evaluate.py survey` makes the page, `evaluate.py survey_results` the figure.

## Pictures

Rows photos, columns systems, in the style of {grid_style}.

![Grid](figures/grid.png)
"""


def write(workshop, settings, photos, results):
    """Writes everything that a report consists of.

    Args:
        workshop: networks.Workshop.
        settings: dict of the report's arguments.
        photos: as report.choose_photos gives them.
        results: as report.measure gives them.

    Returns:
        Path of report.md.
    """
    out = tables.Tables(workshop.path('csv'))
    folder = workshop.path('figures')
    curve_keys = results['steps']['curve']
    rates, found_rates = report_tables.learning_rates(results, workshop)
    for name in ('recognition', 'losses', 'structure', 'objects', 'times', 'table2'):
        out.write('pictures_' + name, results[name])
    curve_rows = report_tables.curve_rows(results, workshop, curve_keys)
    out.write('pictures_curves', curve_rows)
    tested = [row for row in results['recognition'] if row['photos'] == 'test']
    all_claims = claims.table(dict(results, recognition=tested, learning_rates=found_rates))
    shown = {'recognition': report_tables.recognition(results),
             'curves': report_tables.curve_table(results, workshop, curve_keys),
             'losses': report_tables.losses(results),
             'table3': report_tables.table3(results), 'table2': report_tables.table2(results),
             'speeds': report_tables.speeds(results)}
    draw(folder, results, shown, curve_rows)
    style = draw_grid(workshop, folder, photos, results)
    masks = out.write('masks', report_tables.masks(results))
    text = TEXT.format(
        run=out.write('run', run_facts(settings, photos, workshop, results)),
        claims=out.write('claims', all_claims), learning_rates=out.write('learning_rates', rates),
        learning_rate_steps=settings['learning_rate_steps'], grid_style=style,
        masks='\nAgainst annotated masks: each object with the union of segments that fits it best.'
              '\n\n%s\n' % masks if masks else '',
        times_note='One picture of %d x %d pixels, seconds, loading apart, %s. The paper times a phone '
                   '(Android) on pictures of a size that it does not name.'
                   % (settings['timing_size'], settings['timing_size'],
                      'ResNet-IN as in %s' % os.path.basename(settings['timing_model'])
                      if settings['timing_model'] else "with the report's own ResNet-IN"),
        **{name: out.write(name, rows) for name, rows in shown.items()})
    path = workshop.path('report.md')
    files.write_file(path, text.encode('utf-8'))
    return path


def run_facts(settings, photos, workshop, results):
    """What the run was made with: rows of name and value."""
    facts = [('styles', ', '.join(workshop.paintings)),
             ('loss network', settings['vgg_weights']),
             ('loss network of the judge and the segmenter', settings['judge_vgg_weights']),
             ("the judge's layers", ', '.join(settings['judge_layers'])),
             ("the segmenter's layers", ', '.join(settings['segment_layers'])),
             ('training steps of each network', settings['train_steps']),
             ('batch size', settings['batch_size']), ('crop, pixels', settings['image_size']),
             ('learning rate', settings['learning_rate']),
             ('content weight', settings['content_weight']),
             ('style weight', settings['style_weight']),
             ('channels of the first layer', settings['width']),
             ('bfloat16', settings['bfloat16']), ('seed', settings['seed']),
             ('NAAS iterations a picture', settings['naas_iterations']),
             ('test photos', len(photos['test'])), ('training photos judged', len(photos['train'])),
             ('annotated photos', len(photos['annotated'])),
             ('annotated objects', sum(map(len, photos['objects'].values()))),
             ('photos of the curves', len(results['steps']['curve'])),
             ('short side of the photos, pixels', settings['test_size']),
             ('segments', settings['segments']), ('crops a class', settings['crops']),
             ('TensorFlow', tf.__version__), ('Python', platform.python_version()),
             ('processor cores', os.cpu_count())]
    return [{'what': name, 'value': value} for name, value in facts]


def draw(folder, results, shown, curve_rows):
    """Draws Fig. 6, 7, 8, 10 and Table III."""
    systems = list(results['steps']['systems'])
    rows = dict(zip(systems + ['ceiling', 'floor'], shown['recognition']))

    def columns(names, source):
        return {name: [rows[name]['%s (%s)' % (column, source)] for column in names]
                for name in systems if any(rows[name]['%s (%s)' % (column, source)] is not None
                                           for column in names)}

    for name, wanted in (('fig7_auc', ('AUC train', 'AUC test')),
                         ('fig10_recognition', ('accuracy', 'recall', 'f1'))):
        ends = [[rows[end][column + ' (measured)'] for column in wanted]
                for end in ('ceiling', 'floor')]
        figures.bars(folder, name, columns(wanted, 'measured'), columns(wanted, 'paper'), wanted,
                     *ends)
    structure = dict(zip(systems, shown['table3']))
    figures.bars(folder, 'table3_miou',
                 {name: [structure[name]['average (measured)']] for name in systems},
                 {name: [paper_numbers.MIOU[name][1]] for name in systems
                  if name in paper_numbers.MIOU}, ['MIoU'],
                 floor=[shown['table3'][-1]['average (measured)']])

    def lines(runs, key, last=None):
        found = {}
        for run, (text, colour) in runs.items():
            points = [(row['step'], row[key]) for row in curve_rows
                      if row['run'] == run and row[key] is not None
                      and (last is None or row['step'] <= last)]
            found[text] = ([step for step, _ in points], [value for _, value in points], colour)
        return found

    runs = {name: (figures.label(name) + (' (iterations)' if name == NAAS else ''),
                   figures.COLOURS.get(name)) for name in systems}
    figures.curves(folder, 'fig8_curves', lines(runs, 'total loss'), lines(runs, 'accuracy'),
                   'step')
    runs = {name: ('%g' % rate, None) for rate, name in results['steps']['rates'].items()}
    last = results['steps']['rate_points'][-1]
    figures.curves(folder, 'fig6_learning_rate', lines(runs, 'total loss', last),
                   lines(runs, 'accuracy', last), 'step')


def draw_grid(workshop, folder, photos, results):
    """Draws the grid, each style in turn: grid.png is the first style's. Returns its name."""
    for number, style in enumerate(workshop.paintings):
        rows = [[photo] + [workshop.read(name, step, 'grid', style, key)
                           for name, step in results['steps']['systems'].items()]
                for key, photo in photos['grid'].items()]
        figures.grid(os.path.join(folder, 'grid_%s.png' % style if number else 'grid.png'), rows,
                     ['photo'] + [figures.label(name) for name in results['steps']['systems']])
    return next(iter(workshop.paintings))
