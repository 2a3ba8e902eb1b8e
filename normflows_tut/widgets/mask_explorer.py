"""The masks of a MADE under the hand: sizes and order are chosen, the connections drawn."""

import traitlets

from normflows_tut.widgets._page import PageWidget, module
from normflows_tut.widgets._traits import Choice, Permutation, WholeNumber, WholeNumbers

_MOST_INPUTS, _MOST_LAYERS, _MOST_UNITS = 8, 3, 12
_LIMITS = (
    f"const [MOST_INPUTS, MOST_LAYERS, MOST_UNITS] = "
    f"[{_MOST_INPUTS}, {_MOST_LAYERS}, {_MOST_UNITS}];\n"
)


class MaskExplorer(PageWidget):
    """A masked network, drawn: which inputs reach which output.

    ```none
    input j      -> hidden unit:  degree(j) <= degree(unit)
    hidden unit  -> hidden unit:  degree(below) <= degree(above)
    hidden unit  -> output i:     degree(unit) < degree(i)
    ```

    The degree of a coordinate is its place in the order, 1 to d; hidden degrees are those of
    `networks.MADE`: from 1 to d - 1, spread evenly and ascending. The product of the masks
    counts the paths from each input to each output.

    Args:
      order: The coordinates, the first first: a permutation of 0 ... d - 1, with d from 2 to 8.
      hidden_units: Sizes of the hidden layers: one to three numbers from 1 to 12.
      output: The chosen output, 0 to d - 1.
      arrange: Whether inputs and outputs are drawn by number (`"coordinates"`) or in their
        order (`"order"`).

    Raises:
      ValueError: A parameter is unknown or out of its range.

    Reference:
      Germain, Gregor, Murray & Larochelle (2015), equations 12 and 13.

    Example:
      >>> MaskExplorer(order=[2, 0, 1], hidden_units=[4], output=0).order
      [2, 0, 1]
    """

    _esm = _LIMITS + module("masks", "kit", "draw", "mask_explorer")
    order = Permutation([0, 1, 2, 3], low=2, high=_MOST_INPUTS)
    hidden_units = WholeNumbers([6, 6], low=1, high=_MOST_UNITS, most=_MOST_LAYERS)
    output = WholeNumber(0)
    arrange = Choice("coordinates", "order")

    @traitlets.validate("output")
    def _output_in_range(self, proposal):
        if proposal["value"] >= len(self.order):
            raise ValueError(
                f"output must be below the number of inputs, {len(self.order)}, "
                f"got {proposal['value']}."
            )
        return proposal["value"]
