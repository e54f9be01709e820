"""From rows of single pictures to the report's tables, measured and the paper's side by side."""

import numpy as np

from resnet_in_tf.evaluation import measures, paper_numbers
from resnet_in_tf.evaluation.networks import NAAS
from resnet_in_tf.evaluation.paper_numbers import SYSTEM_NAMES

LAST = 0.1  # the loss "at the end" is the mean over this last part of a run's rows


def select(rows, **wanted):
    """The rows whose cells are as wanted."""
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def mean(rows, key):
    """The mean of a column, None without rows."""
    return float(np.mean([row[key] for row in rows])) if rows else None


def recognition(results):
    """Fig. 7 and Fig. 10: one row a system, then the judge's ceiling and floor."""
    table = []
    for name in list(results['steps']['systems']) + ['ceiling', 'floor']:
        group = 'crops' if name == 'ceiling' else 'test'
        rows = select(results['recognition'], system=name, photos=group)
        seen = measures.recognition_scores(rows, results['classes'])
        trained = select(results['recognition'], system=name, photos='train')
        row = {'system': {'ceiling': 'ceiling: held-out crops of the paintings',
                          'floor': 'floor: untouched photos'}.get(name, SYSTEM_NAMES.get(name)),
               'pictures': len(rows)}
        for key in ('accuracy', 'recall', 'f1'):
            row[key + ' (measured)'] = seen[key]
            row[key + ' (paper)'] = paper_numbers.RECOGNITION.get(name, {}).get(key)
        row['AUC test (measured)'] = seen['auc']
        row['AUC test (paper)'] = paper_numbers.AUC['test'].get(name)
        row['AUC train (measured)'] = (
            measures.recognition_scores(trained, results['classes'])['auc'] if trained else None)
        row['AUC train (paper)'] = paper_numbers.AUC['train'].get(name)
        table.append(row)
    return table


def losses(results):
    """Content and style loss on the test photos: means over pictures."""
    names = list(dict.fromkeys(row['system'] for row in results['losses']))
    return [dict([('system', SYSTEM_NAMES.get(name, name))], **{
        key + ' (measured)': mean(select(results['losses'], system=name), key)
        for key in ('content loss', 'style loss', 'total loss')}) for name in names]


def table3(results):
    """Table III: MIoU in five tests and their average."""
    table = []
    for name in list(results['steps']['systems']) + ['another photo']:
        rows = select(results['structure'], system=name)
        tests, average = paper_numbers.MIOU.get(name, ((None,) * measures.TESTS, None))
        row = {'system': SYSTEM_NAMES.get(name, 'floor: another photo')}
        for test in range(1, measures.TESTS + 1):
            row['%d (measured)' % test] = mean(select(rows, test=test), 'miou')
            row['%d (paper)' % test] = tests[test - 1]
        row['average (measured)'] = mean(rows, 'miou')
        row['average (paper)'] = average
        table.append(row)
    return table


def masks(results):
    """MIoU against annotated masks: means over objects; empty without annotations."""
    names = list(dict.fromkeys(row['system'] for row in results['objects']))
    titles = {'photo': 'the photo itself (ceiling)',
              'another photo': "another photo's segments (floor)"}
    return [{'system': titles.get(name, SYSTEM_NAMES.get(name)),
             'objects times styles': len(select(results['objects'], system=name)),
             'IoU with the best union (measured)':
                 mean(select(results['objects'], system=name), 'iou')}
            for name in names]


def table2(results):
    """Table II: seconds of five warm runs of each style of our system, and their mean."""
    table = []
    for number, row in enumerate(results['table2'], 1):
        runs = [value for key, value in row.items() if key.startswith('run ')]
        printed, average = (paper_numbers.TIMES[number - 1] if number <= len(paper_numbers.TIMES)
                            else ((), None))
        line = {'style': '%d: %s' % (number, row['style'])}
        for test, value in enumerate(runs, 1):
            line['%d (measured)' % test] = value
            line['%d (paper)' % test] = printed[test - 1] if test <= len(printed) else None
        line['mean (measured)'] = float(np.mean(runs))
        line['average (paper)'] = average
        table.append(line)
    return table


def speeds(results):
    """Seconds of every system: loading, first run, and the mean of the warm runs."""
    table = []
    for name in results['steps']['systems']:
        rows = select(results['times'], system=name)
        runs = [value for row in rows for key, value in row.items() if key.startswith('run ')]
        table.append({'system': SYSTEM_NAMES[name], 'picture': rows[0]['picture'],
                      'styles': len(rows), 'warm runs': len(runs),
                      'load, s (measured)': mean(rows, 'load'),
                      'warm run, s (measured)': float(np.mean(runs))})
    return table


def learning_rates(results, workshop):
    """Fig. 6: what each rate came to. Also what claims.learning_rate wants: dict rate -> values."""
    table, found = [], {}
    points = results['steps']['rate_points']
    for rate, name in results['steps']['rates'].items():
        history = [row for row in workshop.history(name) if row['step'] <= points[-1]]
        accuracy = [measures.recognition_scores(results['curves'][name, step], results['classes'])
                    ['accuracy'] for step in points]
        later = accuracy[len(accuracy) // 2:]
        found[rate] = {'loss': loss_at_end(history), 'accuracy': accuracy[-1],
                       'fluctuation': float(np.std(later)) if len(later) > 1 else None}
        table.append({'learning rate': '%g' % rate, 'steps': points[-1],
                      'loss at the end (measured)': found[rate]['loss'],
                      'loss (paper)': paper_numbers.LEARNING_RATE_LOSS.get(rate),
                      'accuracy (measured)': found[rate]['accuracy'],
                      'deviation of the accuracy over the second half (measured)':
                          found[rate]['fluctuation']})
    return table, found


def loss_at_end(history):
    """The mean total loss over the last rows of a run; None without a row."""
    count = max(1, int(round(len(history) * LAST)))
    return mean(history[-count:], 'total')


def curve_table(results, workshop, photo_keys):
    """Fig. 8: loss and accuracy where each system's training, or optimisation, ended."""
    table = []
    for name, step in results['steps']['systems'].items():
        seen = measures.recognition_scores(results['curves'][name, step], results['classes'])
        history = naas_history(workshop, photo_keys) if name == NAAS else workshop.history(name)
        table.append({'system': SYSTEM_NAMES[name],
                      'steps': '%d%s' % (step, ' iterations' if name == NAAS else ''),
                      'loss at the end (measured)': loss_at_end(
                          [row for row in history if row['step'] <= step]),
                      'accuracy (measured)': seen['accuracy'],
                      'accuracy (paper)': paper_numbers.CURVE_ACCURACY.get(name)})
    return table


def naas_history(workshop, photo_keys):
    """NAAS's mean losses by iteration over photos and styles, in the form of a training history."""
    traces = [workshop.naas_trace('test', style, key)
              for style in workshop.paintings for key in photo_keys]
    longest = max(len(trace) for trace in traces)
    # A picture that ended early keeps its last loss.
    return [{'step': step + 1, 'total': float(np.mean(
        [trace[min(step, len(trace) - 1)]['total'] for trace in traces]))}
        for step in range(longest)]


def curve_rows(results, workshop, photo_keys):
    """The points of Fig. 6 and Fig. 8: run, step, loss, accuracy; empty where not looked at."""
    rows = []
    accuracy = {point: measures.recognition_scores(found, results['classes'])['accuracy']
                for point, found in results['curves'].items()}
    for name in dict.fromkeys(name for name, _ in results['curves']):
        history = {row['step']: row['total'] for row in (
            naas_history(workshop, photo_keys) if name == NAAS else workshop.history(name))}
        for step in sorted(set(history) | {step for run, step in accuracy if run == name}):
            rows.append({'run': name, 'step': step, 'total loss': history.get(step),
                         'accuracy': accuracy.get((name, step))})
    return rows
