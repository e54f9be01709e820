"""The survey: a page that hides who painted what, in a real browser; answers become Fig. 9."""

import csv
import json
import os
import re
import shutil
import subprocess

import numpy as np
import pytest
from scipy import stats

from resnet_in_tf.errors import UserError
from resnet_in_tf.evaluation import tables
from resnet_in_tf.evaluation.survey import survey, survey_results
from resnet_in_tf.pictures import images

SYSTEMS, STYLES = ('resnet_in', 'cnn'), ('wave', 'udnie')
CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser')
QUIET = ('--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
         '--disable-background-networking', '--disable-component-update', '--disable-sync')

ANSWER_ALL = """<script>
byId('start').click();
byId('next').click();
document.body.setAttribute('data-problem', byId('problem').textContent);
const seen = [];
for (let place = 0; place < survey.pictures.length; place++) {
  seen.push(byId('picture').src);
  questions.forEach((question, number) => document.querySelector(
    'input[name=' + question.name + '][value="' + (place + number) + '"]').click());
  if (place === 1) { byId('next').click(); byId('back').click(); }
  byId('next').click();
}
document.body.setAttribute('data-seen', new Set(seen).size);
</script></body>"""


@pytest.fixture(scope='module')
def folder(tmp_path_factory, face):
    """A survey of two systems, two styles and two photos: the folder of its page and key."""
    root = tmp_path_factory.mktemp('survey')
    photos = {'a': face[:48, :64], 'b': face[100:148, 100:164]}
    paintings = {}
    for number, style in enumerate(STYLES):
        paintings[style] = str(root / (style + '.png'))
        images.write(paintings[style], face[200:260, 100 * number:100 * number + 80])
    rows = []
    for number, (system, style, photo) in enumerate(
            (system, style, photo) for system in SYSTEMS for style in STYLES for photo in photos):
        path = str(root / ('%d.png' % number))
        images.write(path, np.roll(photos[photo], number, axis=2) // (number + 1))
        rows.append({'system': system, 'step': 4, 'style': style, 'photo': photo, 'path': path})
    survey.write(rows, photos, paintings, str(root / 'out'), np.random.RandomState(0))
    return str(root / 'out')


def read_page(folder):
    with open(os.path.join(folder, survey.PAGE), encoding='utf-8') as file:
        return file.read()


def test_page_is_whole_and_names_no_system(folder):
    page = read_page(folder)
    assert not re.search(r'(?:src|href)\s*=\s*["\'](?!data:)', page)
    assert 'http' not in page and '@import' not in page
    for word in SYSTEMS + STYLES:
        assert word not in page.lower()


def test_key_names_every_picture_of_the_page_once(folder):
    data = json.loads(re.search(r'const survey = (\{.*\});\n', read_page(folder)).group(1))
    key = tables.read_csv(os.path.join(folder, survey.KEY))
    assert sorted(row['picture'] for row in key) == sorted(item['id'] for item in data['pictures'])
    assert len({(row['system'], row['style'], row['photo']) for row in key}) == 8
    assert {row['survey'] for row in key} == {data['id']}
    assert [row['system'] for row in key] != sorted(row['system'] for row in key)


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason='needs chromium, which is not installed')
def test_a_browser_asks_for_every_mark_and_saves_them(folder, tmp_path):
    page, answers = tmp_path / 'page.html', tmp_path / 'answers'
    page.write_text(read_page(folder).replace('</body>', ANSWER_ALL), encoding='utf-8')
    answers.mkdir()
    positions = []
    for person in range(3):
        dom = subprocess.run([CHROMIUM] + list(QUIET) + [
            '--user-data-dir=%s' % (tmp_path / ('profile%d' % person)), '--dump-dom',
            page.as_uri()], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=120,
            check=True, universal_newlines=True).stdout
        assert 'data-problem="Please mark: fluency, coherence, integrity"' in dom
        assert 'data-seen="8"' in dom
        text = re.search(r'<textarea[^>]*>(.*?)</textarea>', dom, re.S).group(1)
        (answers / ('%d.csv' % person)).write_text(text)
        rows = list(csv.DictReader(text.splitlines()))
        assert [int(row['position']) for row in rows] == list(range(1, 9))
        assert [int(row['coherence']) for row in rows] == list(range(1, 9))
        positions.append([row['picture'] for row in rows])
    assert sorted(positions[0]) == sorted(positions[1])
    assert len({tuple(order) for order in positions}) > 1  # one in 40320 to fail by chance, twice
    rows = survey_results.survey_results([str(answers)], os.path.join(folder, survey.KEY),
                                         str(tmp_path / 'out'))
    assert {row['participants'] for row in rows} == {3}


def write_answers(path, folder, participant, points):
    """A file as the page saves it; `points(row of the key)` gives three numbers."""
    rows = [dict([('survey', row['survey']), ('participant', participant), ('position', place),
                  ('picture', row['picture'])], **dict(zip(survey_results.NAMES, points(row))))
            for place, row in enumerate(tables.read_csv(os.path.join(folder, survey.KEY)), 1)]
    tables.write_csv(str(path), rows)
    return str(path)


def test_means_and_intervals_are_over_people(folder, tmp_path):
    for person, shift in enumerate((0, 1, 2)):
        def points(row, shift=shift):
            return ({'cnn': 5, 'resnet_in': 8}[row['system']] + shift,
                    {'wave': 3, 'udnie': 9}[row['style']], 10)

        write_answers(tmp_path / ('%d.csv' % person), folder, 'p%d' % person, points)
    rows = survey_results.survey_results([str(tmp_path)], os.path.join(folder, survey.KEY),
                                         str(tmp_path / 'out'))
    found = {(row['system'], row['style'], row['question']): row for row in rows}
    half = stats.t.ppf(0.975, 2) * 1.0 / np.sqrt(3)
    fluency = found['cnn', 'wave', 'fluency']
    assert fluency['mean'] == 6.0 and fluency['participants'] == 3
    assert fluency['low'] == pytest.approx(6 - half) and fluency['high'] == pytest.approx(6 + half)
    assert found['resnet_in', survey_results.OVERALL, 'fluency']['mean'] == 9.0
    assert found['cnn', survey_results.OVERALL, 'coherence']['mean'] == 6.0
    steady = found['cnn', 'udnie', 'integrity']
    assert (steady['low'], steady['mean'], steady['high']) == (10.0, 10.0, 10.0)
    assert images.check(str(tmp_path / 'out' / 'fig9_satisfaction.png'))[0] > 200
    saved = tables.read_csv(str(tmp_path / 'out' / 'survey_results.csv'))
    assert len(saved) == len(rows) == 2 * 3 * 3


def test_one_person_gives_means_without_intervals(folder, tmp_path):
    path = write_answers(tmp_path / 'a.csv', folder, 'one', lambda row: (1, 2, 3))
    rows = survey_results.survey_results([path, path], os.path.join(folder, survey.KEY),
                                         str(tmp_path / 'out'))
    assert {(row['mean'], row['low'], row['participants']) for row in rows} == {
        (1.0, None, 1), (2.0, None, 1), (3.0, None, 1)}


@pytest.mark.parametrize('damage, word', [
    (lambda text: text.replace('p003', 'p999'), 'line 4: survey'),
    (lambda text: text.replace(',3\n', ',11\n', 1), 'from 0 to 10'),
    (lambda text: text.replace(',3\n', ',\n', 1), 'from 0 to 10'),
    (lambda text: text.replace('fluency', 'speed'), 'not a file that the survey page saved'),
    (lambda text: '', 'not a file that the survey page saved')])
def test_wrong_answers_are_named_by_file_and_line(folder, tmp_path, damage, word):
    path = tmp_path / 'a.csv'
    write_answers(path, folder, 'one', lambda row: (1, 2, 3))
    path.write_text(damage(path.read_text()))
    with pytest.raises(UserError, match=word) as error:
        survey_results.survey_results([str(path)], os.path.join(folder, survey.KEY),
                                      str(tmp_path / 'out'))
    assert str(path) in str(error.value)
    assert not (tmp_path / 'out').exists()


def test_missing_answers_and_a_wrong_key_are_refused(folder, tmp_path):
    key = os.path.join(folder, survey.KEY)
    with pytest.raises(UserError, match='no CSV file'):
        survey_results.survey_results([str(tmp_path)], key, str(tmp_path / 'out'))
    with pytest.raises(UserError, match='none.csv'):
        survey_results.survey_results(['none.csv'], key, str(tmp_path / 'out'))
    path = write_answers(tmp_path / 'a.csv', folder, 'one', lambda row: (1, 2, 3))
    with pytest.raises(UserError, match='--survey_key'):
        survey_results.survey_results([path], path, str(tmp_path / 'out'))
