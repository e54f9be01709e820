"""The paper's claims, each put to the numbers of a report: borne out, contradicted or undecided.

A difference counts where its 95 % interval leaves zero out. The interval comes from the photos
(paired bootstrap): it tells what other photos would give, not what other training runs would.
"""

import numpy as np

from resnet_in_tf.evaluation import measures, paper_numbers

BORNE_OUT, CONTRADICTED, UNDECIDED, NOT_MEASURED = (
    'borne out', 'contradicted', 'undecided', 'not measured')
RESAMPLES = 300
FEWEST_PHOTOS = 5  # below it the bootstrap has too few samples to draw for an interval
OURS = 'resnet_in'


def interval(ours, rivals, metric, seed=0, resamples=RESAMPLES):
    """The difference of a metric between two systems on the same photos.

    Args:
        ours, rivals: lists of rows with a key 'photo'.
        metric: function of rows, to a number.
        seed, resamples: of the bootstrap, which draws photos.

    Returns:
        (difference, low, high): float, ours minus the rival's, with the ends of its 95 % interval;
        the ends are NaN with fewer than FEWEST_PHOTOS.
    """
    def by_photo(rows):
        found = {}
        for row in rows:
            found.setdefault(row['photo'], []).append(row)
        return found

    ours, rivals = by_photo(ours), by_photo(rivals)
    photos = sorted(set(ours) & set(rivals))

    def difference(drawn):
        return (metric([row for photo in drawn for row in ours[photo]])
                - metric([row for photo in drawn for row in rivals[photo]]))

    if len(photos) < FEWEST_PHOTOS:
        return difference(photos), float('nan'), float('nan')
    generator = np.random.RandomState(seed)
    draws = [generator.randint(len(photos), size=len(photos)) for _ in range(resamples)]
    drawn = [difference([photos[place] for place in draw]) for draw in draws]
    return (difference(photos),) + tuple(float(end) for end in np.percentile(drawn, [2.5, 97.5]))


def verdict(difference, low, high):
    """The word for a difference that the paper says is above zero."""
    if low > 0:
        return BORNE_OUT
    return CONTRADICTED if high < 0 else UNDECIDED


def row(claim, place, rival, measured, paper, low=None, high=None, word=None):
    """One row of the table of claims; `measured` and `paper` are differences or single numbers."""
    return {'claim': claim, 'paper': place, 'against': rival, 'measured': measured,
            '95 % from': low, '95 % to': high, 'figure (paper)': paper,
            'verdict': word or verdict(measured, low, high)}


def compare(claim, place, rows, metric, paper, sign=1.0):
    """ResNet-IN against each rival: rows of the table.

    Args:
        claim, place: str, and where the paper makes it.
        rows: list of rows with keys 'system' and 'photo'.
        metric: function of rows, to a number.
        paper: dict system -> the paper's figure.
        sign: -1 where the paper says that ours is smaller.
    """
    found = []
    ours = [one for one in rows if one['system'] == OURS]
    for rival in ('cnn', 'cnn_bn', 'fnst', 'naas'):
        rivals = [one for one in rows if one['system'] == rival]
        if not ours or not rivals:
            continue
        difference, low, high = interval(ours, rivals, metric)
        figure = paper[OURS] - paper[rival] if OURS in paper and rival in paper else None
        word = verdict(difference, low, high) if sign > 0 else verdict(-difference, -high, -low)
        found.append(row(claim, place, paper_numbers.SYSTEM_NAMES[rival], difference, figure,
                         low, high, word))
    return found


def mean_of(key):
    """A metric: the mean of a column."""
    return lambda rows: float(np.mean([one[key] for one in rows]))


def score_of(key, classes):
    """A metric: one of recognition.scores."""
    return lambda rows: measures.recognition_scores(rows, classes)[key]


def table(results):
    """All claims.

    Args:
        results: dict of the report's rows: recognition (of test photos), classes, structure,
            losses, times, learning_rates, and ends (system -> mean loss at the end of training).

    Returns:
        List of rows for tables.Tables.
    """
    rows = []
    classes = results['classes']
    for key, name in (('accuracy', 'accuracy'), ('recall', 'recall'), ('f1', 'F1')):
        paper = {system: values[key] for system, values in paper_numbers.RECOGNITION.items()}
        rows += compare('ResNet-IN has the higher %s' % name, 'Fig. 10', results['recognition'],
                        score_of(key, classes), paper)
    if len(classes) > 2:
        rows += compare('ResNet-IN has the higher AUC on test photos', 'Fig. 7(b)',
                        results['recognition'], score_of('auc', classes),
                        paper_numbers.AUC['test'])
    rows += compare('ResNet-IN has the higher MIoU', 'Table III', results['structure'],
                    mean_of('miou'),
                    {system: average for system, (_, average) in paper_numbers.MIOU.items()})
    rows += compare('ResNet-IN has the lower loss (here: total loss on test photos)', 'Fig. 8',
                    results['losses'], mean_of('total loss'), {}, sign=-1.0)
    return rows + speed(results['times']) + learning_rate(results['learning_rates']) + [
        row('0.0001 is prone to overfitting', 'Fig. 6', '', None, None, word=NOT_MEASURED),
        row('People are satisfied with the pictures', 'Fig. 9', '', None, None, word=NOT_MEASURED)]


def speed(times):
    """The claims on time."""
    means = {}
    for one in times:
        means.setdefault(one['system'], []).append(run_mean(one))
    if OURS not in means:
        return []
    slowest = max(means[OURS])
    rows = [row('Every style takes less than %g s (its slowest style; neither hardware nor picture '
                "size is the paper's)" % paper_numbers.TIME_LIMIT, 'Table II', '', slowest,
                paper_numbers.TIME_LIMIT,
                word=BORNE_OUT if slowest < paper_numbers.TIME_LIMIT else CONTRADICTED)]
    if 'naas' in means:
        gain = float(np.mean(means['naas']) / np.mean(means[OURS]))
        rows.append(row("ResNet-IN improves the speed (here: NAAS's time over ours)", 'V',
                        'NAAS', gain, None, word=BORNE_OUT if gain > 1 else CONTRADICTED))
    return rows


def run_mean(one):
    """The mean of a timing row's warm runs, in seconds."""
    return float(np.mean([value for key, value in one.items() if key.startswith('run ')]))


def learning_rate(rates):
    """The claims on the learning rate; a tie contradicts nothing and proves nothing."""
    rows = []
    for key, claim, better in (('accuracy', 'the best accuracy', max),
                               ('loss', 'the lowest loss', min),
                               ('fluctuation', 'the steadiest accuracy', min)):
        known = {rate: values[key] for rate, values in rates.items() if values[key] is not None}
        if paper_numbers.BEST_LEARNING_RATE not in known or len(known) < 2:
            continue
        ours = known.pop(paper_numbers.BEST_LEARNING_RATE)
        other = better(known.values())
        word = UNDECIDED if ours == other else (
            BORNE_OUT if better(ours, other) == ours else CONTRADICTED)
        rows.append(row('0.001 gives %s of the rates (difference to the best other)' % claim,
                        'Fig. 6', 'the best other', ours - other, None, word=word))
    return rows
