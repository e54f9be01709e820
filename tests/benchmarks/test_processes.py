"""Python in a process of its own: what it says, what it took, and how it fails."""

import pytest

from resnet_in_tf.benchmarks.processes import run_python
from resnet_in_tf.errors import UserError


def test_output_and_usage_are_the_processes_own():
    output, seconds, usage = run_python(
        ['-c', 'import resnet_in_tf; data = b"x" * 200 * 2 ** 20; print(len(data))'], 'it')
    assert output == '%d\n' % (200 * 2 ** 20) and seconds > 0
    assert usage.ru_maxrss * 1024 > 200 * 2 ** 20 and usage.ru_utime + usage.ru_stime > 0


def test_failure_is_one_line_that_names_what_ran():
    with pytest.raises(UserError, match='^the run with a.jpg failed; what it said stands above$'):
        run_python(['-c', 'raise SystemExit(3)'], 'the run with a.jpg')
