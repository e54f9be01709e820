"""The paper's figures are shares, belong to systems that have a name, and say what the claims say."""

from resnet_in_tf.evaluation import paper_numbers as paper
from resnet_in_tf.network.generator import SYSTEMS


def test_every_figure_is_of_a_system_that_has_a_name():
    tables = [paper.CURVE_ACCURACY, paper.RECOGNITION, paper.MIOU, paper.AUC['train'], paper.AUC['test']]
    assert all(set(table) <= set(paper.SYSTEM_NAMES) for table in tables)
    assert set(SYSTEMS) | {'naas'} <= set(paper.SYSTEM_NAMES)


def test_percentages_are_shares():
    shares = (list(paper.CURVE_ACCURACY.values())
              + [value for table in paper.AUC.values() for value in table.values()]
              + [value for row in paper.RECOGNITION.values() for value in row.values()]
              + [value for tests, average in paper.MIOU.values() for value in tests + (average,)])
    assert len(shares) == 4 + 2 + 15 + 30 and all(0 < share < 1 for share in shares)


def test_the_paper_says_of_itself_what_its_figures_say():
    assert all(max(table, key=lambda name: table[name][key]) == 'resnet_in' for table, key in (
        (paper.RECOGNITION, 'accuracy'), (paper.RECOGNITION, 'f1'), (paper.MIOU, 1)))
    assert max(average for _, average in paper.TIMES) < paper.TIME_LIMIT and len(paper.TIMES) == 8
    assert paper.BEST_LEARNING_RATE in paper.LEARNING_RATES
