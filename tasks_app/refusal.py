"""A verb that does not fit: its text says why and what to do."""


class Refused(Exception):
    """The verb does not fit."""


class NotAllowed(Refused):
    """This user may not do that."""
