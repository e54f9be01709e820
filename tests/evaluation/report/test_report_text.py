"""The text of a report: every place is filled, and the facts of the run are those of its settings."""

import string

from resnet_in_tf.evaluation.report import options, report_text


def test_the_text_asks_for_what_write_gives_and_nothing_else():
    places = {name for _, name, _, _ in string.Formatter().parse(report_text.TEXT) if name}
    assert places == {'run', 'claims', 'recognition', 'curves', 'learning_rates', 'learning_rate_steps',
                      'losses', 'table3', 'masks', 'times_note', 'table2', 'speeds', 'grid_style'}


def test_the_facts_of_a_run_are_its_settings_and_counts():
    settings = dict(options.resolve({'vgg_weights': 'random', 'crops': 7}), judge_vgg_weights='random:1',
                    judge_layers=('relu2_2', 'relu3_2'), segment_layers=('relu3_3',), test_size=33)
    photos = {'test': {'a': 0, 'b': 0}, 'train': {'c': 0}, 'annotated': {'d': 0},
              'objects': {'d': [1, 2, 3]}}
    workshop = type('Workshop', (), {'paintings': {'wave': '', 'udnie': ''}})
    rows = report_text.run_facts(settings, photos, workshop, {'steps': {'curve': ['a']}})
    facts = {row['what']: row['value'] for row in rows}
    assert len(facts) == len(rows) and facts['styles'] == 'wave, udnie'
    assert facts['loss network'] == 'random' and facts['crops a class'] == 7
    assert facts['loss network of the judge and the segmenter'] == 'random:1'
    assert (facts["the judge's layers"], facts["the segmenter's layers"]) == ('relu2_2, relu3_2', 'relu3_3')
    assert (facts['test photos'], facts['training photos judged'], facts['annotated objects']) == (2, 1, 3)
    assert facts['short side of the photos, pixels'] == 33 and facts['photos of the curves'] == 1
