"""The one exception that a person, not a bug, causes."""


class UserError(Exception):
    """Bad input: the message is one line that says what, which file or flag, and what to do."""
