"""Traits that refuse what cannot be drawn, with a ValueError that names the value."""

import math

import traitlets


def _finite(name, value):
    """Returns `value` as a finite float, or raises a ValueError that names it."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a number, got {value!r}.") from None
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {value!r}.")
    return number


class Number(traitlets.TraitType):
    """A finite number, if asked for within bounds, shared with the page.

    Args:
      default_value: The number at the start.
      above: The number must be greater than this.
      at_least: The number must not be smaller than this.
      below: The number must be smaller than this.
    """

    def __init__(self, default_value, *, above=None, at_least=None, below=None):
        super().__init__(default_value)
        self._above, self._at_least, self._below = above, at_least, below
        self.tag(sync=True)

    def validate(self, obj, value):
        """Returns the value as a float, or raises a ValueError that names it."""
        number = _finite(self.name, value)
        if self._above is not None and not number > self._above:
            raise ValueError(f"{self.name} must be above {self._above}, got {value!r}.")
        if self._at_least is not None and not number >= self._at_least:
            raise ValueError(f"{self.name} must be at least {self._at_least}, got {value!r}.")
        if self._below is not None and not number < self._below:
            raise ValueError(f"{self.name} must be below {self._below}, got {value!r}.")
        return number


class WholeNumber(traitlets.TraitType):
    """A whole number from `low` to `high` (None: no limit), shared with the page."""

    def __init__(self, default_value, *, low=0, high=None):
        super().__init__(default_value)
        self._low, self._high = low, high
        self.tag(sync=True)

    def validate(self, obj, value):
        """Returns the value as an int, or raises a ValueError that names it."""
        number = _finite(self.name, value)
        if number != int(number):
            raise ValueError(f"{self.name} must be a whole number, got {value!r}.")
        if number < self._low or (self._high is not None and number > self._high):
            limit = f"at least {self._low}" if self._high is None else f"{self._low}..{self._high}"
            raise ValueError(f"{self.name} must be {limit}, got {value!r}.")
        return int(number)


class Point(traitlets.TraitType):
    """Two finite numbers [x1, x2], shared with the page."""

    def __init__(self, default_value):
        super().__init__(list(default_value))
        self.tag(sync=True)

    def validate(self, obj, value):
        """Returns the value as a list of two floats, or raises a ValueError that names it."""
        return _pair(self.name, value)


class Matrix(traitlets.TraitType):
    """Two rows of two finite numbers, shared with the page."""

    def __init__(self, default_value):
        super().__init__([list(row) for row in default_value])
        self.tag(sync=True)

    def validate(self, obj, value):
        """Returns the value as a list of two rows, or raises a ValueError that names it."""
        rows = _items(self.name, value)
        if len(rows) != 2:
            raise ValueError(f"{self.name} must have two rows, got {value!r}.")
        return [_pair(f"a row of {self.name}", row) for row in rows]


class Numbers(traitlets.TraitType):
    """One to `most` finite numbers, shared with the page."""

    def __init__(self, default_value, *, most):
        super().__init__(list(default_value))
        self._most = most
        self.tag(sync=True)

    def validate(self, obj, value):
        """Returns the value as a list of floats, or raises a ValueError that names it."""
        numbers = _items(self.name, value)
        if not 1 <= len(numbers) <= self._most:
            raise ValueError(f"{self.name} must hold 1..{self._most} numbers, got {value!r}.")
        return [_finite(f"an entry of {self.name}", number) for number in numbers]


class WholeNumbers(traitlets.TraitType):
    """One to `most` whole numbers from `low` to `high`, shared with the page."""

    def __init__(self, default_value, *, low, high, most):
        super().__init__(list(default_value))
        self._low, self._high, self._most = low, high, most
        self.tag(sync=True)

    def validate(self, obj, value):
        """Returns the value as a list of ints, or raises a ValueError that names it."""
        numbers = _items(self.name, value)
        if not 1 <= len(numbers) <= self._most:
            raise ValueError(f"{self.name} must hold 1..{self._most} numbers, got {value!r}.")
        for number in numbers:
            whole = _finite(f"an entry of {self.name}", number) == int(number)
            if not whole or not self._low <= number <= self._high:
                raise ValueError(
                    f"{self.name} must hold whole numbers, {self._low}..{self._high}, "
                    f"got {value!r}."
                )
        return [int(number) for number in numbers]


class Permutation(traitlets.TraitType):
    """The numbers 0 ... d - 1 in some order, `low` to `high` of them, shared with the page."""

    def __init__(self, default_value, *, low, high):
        super().__init__(list(default_value))
        self._low, self._high = low, high
        self.tag(sync=True)

    def validate(self, obj, value):
        """Returns the value as a list of ints, or raises a ValueError that names it."""
        numbers = [_finite(f"an entry of {self.name}", v) for v in _items(self.name, value)]
        if sorted(numbers) != list(range(len(numbers))):
            raise ValueError(f"{self.name} must be a permutation of 0, 1, 2 ..., got {value!r}.")
        if not self._low <= len(numbers) <= self._high:
            raise ValueError(
                f"{self.name} must have {self._low}..{self._high} entries, got {len(numbers)}."
            )
        return [int(number) for number in numbers]


class Choice(traitlets.TraitType):
    """One of some words, the first by default, shared with the page."""

    def __init__(self, *words):
        super().__init__(words[0])
        self._words = words
        self.tag(sync=True)

    def validate(self, obj, value):
        """Returns the word, or raises a ValueError that lists the known ones."""
        if value not in self._words:
            known = ", ".join(repr(word) for word in self._words)
            raise ValueError(f"{self.name} must be one of {known}, got {value!r}.")
        return value


def _items(name, value):
    try:
        return list(value)
    except TypeError:
        raise ValueError(f"{name} must be a list, got {value!r}.") from None


def _pair(name, value):
    """Returns `value` as a list of two finite floats, or raises a ValueError that names it."""
    numbers = _items(name, value)
    if len(numbers) != 2:
        raise ValueError(f"{name} must hold two numbers, got {value!r}.")
    return [_finite(name, number) for number in numbers]
