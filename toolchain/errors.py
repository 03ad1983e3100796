"""What a step raises when it cannot go on."""


class SetUpError(Exception):
    """One line for the person who ran `make`: what was tried, what came of it, what to do."""


class Unreachable(SetUpError):
    """A place to get something from does not answer: there may be another."""
