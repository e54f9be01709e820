"""Tables as lists of rows: into CSV files, back out of them, and into Markdown."""

import csv
import io
import math
import os

from resnet_in_tf import files
from resnet_in_tf.errors import UserError


def cell(value):
    """A value as a CSV and a Markdown cell; empty where there is none (None, NaN)."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ''
    if isinstance(value, float):
        return '%.4g' % value
    return str(value)


def write_csv(path, rows):
    """Writes rows, whole or not at all.

    Args:
        path: str; its folder is made where it is missing.
        rows: list of dicts with the same keys in the same order; one at the least.
    """
    text = io.StringIO(newline='')
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(list(rows[0]))
    writer.writerows([cell(value) for value in row.values()] for row in rows)
    files.write_file(path, text.getvalue().encode('utf-8'))


def read_csv(path):
    """The rows of a CSV file: list of dicts of str.

    Raises:
        UserError: the file cannot be read or is not text.
    """
    try:
        with open(path, newline='', encoding='utf-8-sig') as file:
            return [dict(row) for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError('%s: cannot be read as CSV (%s)' % (
            path, getattr(error, 'strerror', None) or error)) from error


def markdown(rows):
    """Rows as a Markdown table; numbers to the right."""
    lines = ['| ' + ' | '.join(rows[0]) + ' |',
             '| ' + ' | '.join('---:' if is_numeric(rows, key) else '---'
                               for key in rows[0]) + ' |']
    lines += ['| ' + ' | '.join(cell(value).replace('|', '\\|') for value in row.values()) + ' |'
              for row in rows]
    return '\n'.join(lines)


def is_numeric(rows, key):
    """Whether a column holds numbers and nothing else."""
    values = [row[key] for row in rows if cell(row[key]) != '']
    return bool(values) and all(isinstance(value, (int, float)) for value in values)


class Tables:
    """The CSV files of a report, in one folder, and the Markdown of those that it shows.

    Args:
        folder: path.
    """

    def __init__(self, folder):
        self.folder = folder

    def write(self, name, rows):
        """Writes `name`.csv and returns its Markdown with the file's name under it."""
        if not rows:
            return ''
        write_csv(os.path.join(self.folder, name + '.csv'), rows)
        return '%s\n\n*[%s.csv](csv/%s.csv)*' % (markdown(rows), name, name)
