"""A figure that a study has nothing for."""


class Nothing(Exception):
    """There is nothing to draw; says why."""
