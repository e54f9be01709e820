"""Turns the answers that people saved into Fig. 9: mean points with 95 % confidence intervals."""

import glob
import os

import numpy as np
from scipy import stats

from resnet_in_tf.errors import UserError
from resnet_in_tf.evaluation import tables
from resnet_in_tf.evaluation.report import figures
from resnet_in_tf.evaluation.survey.survey import QUESTIONS

NAMES = tuple(question.name for question in QUESTIONS)
OVERALL = 'all styles'


def survey_results(answers, key, output):
    """Writes survey_results.csv and fig9_satisfaction.png.

    Args:
        answers: list of paths of saved CSV files, or of folders of them.
        key: path of survey_key.csv.
        output: folder; made where it is missing.

    Returns:
        The rows of survey_results.csv, see `summarise`.

    Raises:
        UserError: a file is missing or wrong; the message names file and line.
    """
    pictures = read_key(key)
    marks = {}
    for path in answer_files(answers):
        marks.update(read_answers(path, pictures))
    if not marks:
        raise UserError('--answers: there is no answer in %s' % ', '.join(answers))
    rows = summarise(marks, pictures)
    tables.write_csv(os.path.join(output, 'survey_results.csv'), rows)
    figures.satisfaction(output, 'fig9_satisfaction', rows)
    print('%d answers of %d participants; means in %s'
          % (len(marks), len({participant for participant, _ in marks}),
             os.path.join(output, 'survey_results.csv')))
    return rows


def answer_files(answers):
    """Paths, with folders opened: sorted list without repetition."""
    found = set()
    for path in answers:
        inside = [path]
        if os.path.isdir(path):
            inside = glob.glob(os.path.join(glob.escape(path), '*.csv'))
        if not inside:
            raise UserError('--answers %s: no CSV file is there' % path)
        found.update(map(os.path.abspath, inside))
    return sorted(found)


def read_key(path):
    """survey_key.csv: dict (survey, picture) -> row."""
    rows = tables.read_csv(path)
    if not rows or not {'survey', 'picture', 'system', 'style'} <= set(rows[0]):
        raise UserError('--survey_key %s: not a survey_key.csv of evaluate.py survey' % path)
    return {(row['survey'], row['picture']): row for row in rows}


def read_answers(path, pictures):
    """The answers of one file: dict (participant, picture) -> list of points, one a question.

    Raises:
        UserError: a line is not an answer to this survey.
    """
    rows = tables.read_csv(path)
    wanted = ('survey', 'participant', 'picture') + NAMES
    if not rows or not set(wanted) <= set(rows[0]):
        raise UserError('%s: not a file that the survey page saved (columns %s)'
                        % (path, ', '.join(wanted)))
    found = {}
    for line, row in enumerate(rows, 2):
        where = '%s, line %d' % (path, line)
        if (row['survey'], row['picture']) not in pictures:
            raise UserError('%s: survey %s, picture %s is not in the key'
                            % (where, row['survey'], row['picture']))
        try:
            points = [float(row[name]) for name in NAMES]
        except (TypeError, ValueError):
            points = [-1.0]
        if not all(0 <= value <= 10 for value in points):
            raise UserError('%s: points must be numbers from 0 to 10' % where)
        found[row['participant'], (row['survey'], row['picture'])] = points
    return found


def summarise(marks, pictures):
    """Means with intervals for each system, style and question.

    One person's marks lean on each other, so each person is averaged first, and the interval
    (Student's t) is over persons. One person gives no interval.

    Args:
        marks: dict (participant, (survey, picture)) -> points, one a question.
        pictures: as `read_key` gives them.

    Returns:
        List of dicts: system, style (last: OVERALL), question, participants, mean, low, high.
    """
    rows = []
    systems = list(dict.fromkeys(row['system'] for row in pictures.values()))
    styles = sorted({row['style'] for row in pictures.values()}) + [OVERALL]
    for system in sorted(systems):
        for style in styles:
            for place, question in enumerate(NAMES):
                persons = {}
                for (participant, picture), points in marks.items():
                    row = pictures[picture]
                    if row['system'] == system and style in (row['style'], OVERALL):
                        persons.setdefault(participant, []).append(points[place])
                if persons:
                    mean, low, high = mean_interval([np.mean(own) for own in persons.values()])
                    rows.append({'system': system, 'style': style, 'question': question,
                                 'participants': len(persons), 'mean': mean, 'low': low,
                                 'high': high})
    return rows


def mean_interval(values):
    """The mean and its 95 % confidence interval by Student's t: (mean, low, high).

    The interval is kept inside 0 to 10; it is None, None for a single value.
    """
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, None, None
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    half = float(stats.t.ppf(0.975, len(values) - 1) * error)
    return mean, max(0.0, mean - half), min(10.0, mean + half)
