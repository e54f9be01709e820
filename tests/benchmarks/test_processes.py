"""Python in a process of its own: what it says, what it took, and how it fails."""

import pytest

from resnet_in_tf.benchmarks.processes import run_python
from resnet_in_tf.errors import UserError


def test_output_and_usage_are_the_processes_own():
    output, seconds, usage = run_python(
        ['-c', 'import resnet_in_tf; print(sum(range(10 ** 7)))'], 'it')
    assert output == '49999995000000\n'
    assert 0.05 < usage.ru_utime + usage.ru_stime < 2 * seconds


def test_failure_is_one_line_that_names_what_ran():
    with pytest.raises(UserError, match='^the run with a.jpg failed; what it said stands above$'):
        run_python(['-c', 'raise SystemExit(3)'], 'the run with a.jpg')
