"""Tables go to CSV and Markdown, and back, without a change."""

import pytest

from resnet_in_tf.errors import UserError
from resnet_in_tf.evaluation import tables

ROWS = [{'what': 'a, "b"', 'count': 3, 'value': 0.00012345678}, {'what': 'caf\u00e9', 'count': None,
                                                                 'value': float('nan')}]


def test_what_is_written_reads_back_as_text(tmp_path):
    path = str(tmp_path / 'new' / 'a.csv')
    tables.write_csv(path, ROWS)
    assert tables.read_csv(path) == [{'what': 'a, "b"', 'count': '3', 'value': '0.0001235'},
                                     {'what': 'caf\u00e9', 'count': '', 'value': ''}]


def test_a_column_of_numbers_stands_to_the_right_and_one_with_a_word_does_not():
    lines = tables.markdown(ROWS).split('\n')
    assert lines[1] == '| --- | ---: | ---: |'
    assert tables.markdown([{'a': 1}, {'a': 'x'}]).split('\n')[1] == '| --- |'
    assert tables.markdown([{'a': None}]).split('\n')[1] == '| --- |'


def test_a_table_names_its_file_and_no_rows_are_no_table(tmp_path):
    out = tables.Tables(str(tmp_path))
    assert out.write('times', ROWS).endswith('\n\n*[times.csv](csv/times.csv)*')
    assert out.write('none', []) == '' and [path.name for path in tmp_path.iterdir()] == ['times.csv']


@pytest.mark.parametrize('content', [b'\xff\xfe\x00', None])
def test_a_file_that_is_no_text_or_not_there_is_one_line(tmp_path, content):
    path = tmp_path / 'a.csv'
    if content:
        path.write_bytes(content)
    with pytest.raises(UserError, match='a.csv: cannot be read as CSV'):
        tables.read_csv(str(path))
