"""Tables of a report: means over pictures, the paper's beside them, empty where there is nothing."""

import pytest

from resnet_in_tf.evaluation import paper_numbers
from resnet_in_tf.evaluation.report import report_tables


def results(**rows):
    return dict({'steps': {'systems': {'resnet_in': 9, 'naas': 5}}}, **rows)


def test_losses_are_means_over_the_pictures_of_a_system():
    rows = [{'system': 'cnn', 'content loss': value, 'style loss': 2 * value, 'total loss': 3.0}
            for value in (1.0, 3.0)] + [{'system': 'untouched photo', 'content loss': 0.0, 'style loss': 9.0,
                                         'total loss': 9.0}]
    first, second = report_tables.losses(results(losses=rows))
    assert first == {'system': 'CNN', 'content loss (measured)': 2, 'style loss (measured)': 4,
                     'total loss (measured)': 3}
    assert second['system'] == 'untouched photo' and second['content loss (measured)'] == 0


def test_table_iii_has_a_test_a_column_and_the_papers_own_average():
    rows = [{'system': name, 'test': test, 'miou': test / 10.0} for test in range(1, 6)
            for name in ('resnet_in', 'naas', 'another photo')]
    table = report_tables.table3(results(structure=rows))
    assert [row['system'] for row in table] == ['ResNet-IN', 'NAAS', 'floor: another photo']
    assert table[0]['2 (measured)'] == 0.2 and table[0]['average (measured)'] == pytest.approx(0.3)
    assert table[0]['2 (paper)'] == paper_numbers.MIOU['resnet_in'][0][1]
    assert table[0]['average (paper)'] == paper_numbers.MIOU['resnet_in'][1]
    assert table[2]['1 (paper)'] is None and table[2]['average (paper)'] is None


def test_table_ii_has_a_row_a_style_and_nothing_of_the_papers_beyond_its_eight():
    rows = [{'style': 's%d' % number, 'run 1': 1.0, 'run 2': 2.0, 'load': 50.0} for number in range(9)]
    table = report_tables.table2(results(table2=rows))
    assert table[0]['style'] == '1: s0' and table[0]['mean (measured)'] == 1.5
    assert (table[0]['1 (paper)'], table[0]['average (paper)']) == (2.03, 2.1)
    assert table[8]['1 (paper)'] is None and table[8]['average (paper)'] is None


def test_speeds_keep_loading_apart_from_warm_runs():
    rows = [{'system': system, 'picture': '64 x 64', 'load': 4.0, 'first': 100.0, 'run 1': 1.0, 'run 2': last}
            for system, last in (('resnet_in', 2.0), ('resnet_in', 4.0), ('naas', 9.0))]
    first, second = report_tables.speeds(results(times=rows))
    assert (first['styles'], first['warm runs'], first['load, s (measured)'],
            first['warm run, s (measured)']) == (2, 4, 4.0, 2.0)
    assert second['warm run, s (measured)'] == 5.0


class Traces:
    paintings = {'wave': '', 'udnie': ''}

    def naas_trace(self, group, style, key):
        return [{'total': 4.0}, {'total': 2.0}] if style == 'wave' else [{'total': 8.0}]


def test_a_picture_of_naas_that_ended_early_keeps_its_last_loss():
    assert report_tables.naas_history(Traces(), ['a']) == [
        {'step': 1, 'total': 6.0}, {'step': 2, 'total': 5.0}]


def test_masks_are_empty_without_annotations_and_else_name_floor_and_ceiling():
    assert report_tables.masks(results(objects=[])) == []
    rows = [{'system': 'photo', 'iou': 0.8}, {'system': 'photo', 'iou': 0.6}, {'system': 'cnn', 'iou': 0.5}]
    first, second = report_tables.masks(results(objects=rows))
    assert first['system'].endswith('(ceiling)') and second['system'] == 'CNN'
    assert first['objects times styles'] == 2 and first[
        'IoU with the best union (measured)'] == pytest.approx(0.7)
