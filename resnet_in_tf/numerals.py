"""Whole numbers as people write them."""

LONGEST = 20  # digits; from some thousand on Python itself refuses


def whole(text, most):
    """A text as a whole number: int from 0 to `most`; None where it is something else.

    Digits of every script count; what looks like one and is none, such as a superscript, does not.
    """
    if not text.isdecimal() or len(text) > LONGEST or int(text) > most:
        return None
    return int(text)
