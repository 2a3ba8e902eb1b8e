"""The mask explorer in the browser: the masks that it draws are those of networks.MADE."""

import numpy as np
import pytest

from normflows_tut import networks, widgets

SETTINGS = [
    ([0, 1], [1]),
    ([1, 0], [3, 2]),
    ([2, 0, 3, 1], [6]),
    ([0, 1, 2, 3, 4], [2, 9]),
    ([4, 2, 0, 1, 3, 5], [5, 12, 7]),
    ([7, 3, 1, 0, 2, 6, 5, 4], [1, 12, 4]),
]


@pytest.mark.parametrize(("order", "hidden_units"), SETTINGS)
def test_masks_and_paths_are_those_of_made(show, order, hidden_units):
    made = networks.MADE(len(order), num_parameters=1, hidden_units=hidden_units, order=order)
    masks = [mask.numpy() for mask in made.masks()]
    state = show(widgets.MaskExplorer(order=order, hidden_units=hidden_units))()
    assert len(state["masks"]) == len(masks)
    for found, expected in zip(state["masks"], masks, strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(state["degrees"][0], made.degrees)
    for found, expected in zip(state["degrees"][1:], made.hidden_degrees, strict=True):
        np.testing.assert_array_equal(found, expected)
    # Rows are outputs, columns inputs, as in a Jacobian.
    np.testing.assert_array_equal(
        state["paths"], np.linalg.multi_dot([*masks, np.eye(len(order))]).T
    )


@pytest.mark.parametrize(("order", "hidden_units"), SETTINGS)
def test_what_an_output_sees_is_its_row(show, order, hidden_units):
    state = show(widgets.MaskExplorer(order=order, hidden_units=hidden_units))
    for i in range(len(order)):
        found = state(output=i)
        before = order[: order.index(i)]
        assert sorted(found["seen"] + found["missed"]) == sorted(before)
        assert all(found["paths"][i][j] > 0 for j in found["seen"])
        assert all(found["paths"][i][j] == 0 for j in range(len(order)) if j not in found["seen"])


def test_hover_click_and_focus_choose_an_output(show, page):
    state = show(widgets.MaskExplorer(order=[2, 0, 3, 1]))
    state()
    page.locator("[data-output='3']").hover()
    assert state()["output"] == 3
    page.locator("[data-output='1']").click()
    assert state()["output"] == 1
    assert "see x₃, x₁ and x₄" in page.locator(".nt-said").inner_text()
    page.locator("[data-output='2']").focus()
    assert state()["output"] == 2
    assert "constants" in page.locator(".nt-said").inner_text()
    label = "document.querySelector('canvas').getAttribute('aria-label').includes('constants')"
    page.wait_for_function(label)


def test_the_matrix_is_read_out_as_it_is_drawn(show, page):
    state = show(widgets.MaskExplorer(order=[2, 0, 1], hidden_units=[4]))
    state()
    label = "document.querySelectorAll('canvas')[1].getAttribute('aria-label')"
    by_number = "columns x₁, x₂ and x₃: x₁: 0 0 2; x₂: 2 0 4; x₃: 0 0 0."
    page.wait_for_function(f"{label}.endsWith('{by_number}')")
    state(arrange="order")
    in_the_order = "columns x₃, x₁ and x₂: x₃: 0 0 0; x₁: 2 0 0; x₂: 4 2 0."
    page.wait_for_function(f"{label}.endsWith('{in_the_order}')")


def test_the_order_is_moved_by_buttons(show, page):
    state = show(widgets.MaskExplorer(order=[0, 1, 2, 3]))
    state()
    page.get_by_role("button", name="x₃, in place 3").click()
    assert state()["order"] == [0, 2, 1, 3]
    page.get_by_role("button", name="x₁, in place 1").click()
    assert state()["order"] == [2, 1, 3, 0]
    page.get_by_role("button", name="Reversed").click()
    assert state()["order"] == [3, 2, 1, 0]
    page.get_by_role("button", name="As they are").click()
    assert state()["order"] == [0, 1, 2, 3]


def test_sliders_change_the_sizes_and_reset_puts_them_back(show, page):
    state = show(widgets.MaskExplorer(order=[2, 0, 3, 1], hidden_units=[6, 6], output=3))
    start = state()
    page.locator("[data-trait='inputs']").press("ArrowLeft")
    assert state()["order"] == [2, 0, 1]
    assert state()["output"] == 2
    page.locator("[data-trait='inputs']").press("ArrowRight")
    assert state()["order"] == [2, 0, 1, 3]
    page.locator("[data-trait='layers']").press("ArrowRight")
    assert state()["hidden_units"] == [6, 6, 6]
    page.locator("[data-trait='size-3']").press("ArrowLeft")
    assert state()["hidden_units"] == [6, 6, 5]
    assert page.locator("[data-trait='size-3']").is_visible()
    page.get_by_role("button", name="Reset").click()
    assert state() == start
    assert not page.locator("[data-trait='size-3']").is_visible()


def test_a_layer_that_is_too_narrow_is_named(show, page):
    state = show(widgets.MaskExplorer(order=[0, 1, 2, 3], hidden_units=[2], output=2))
    assert state()["missed"] == []
    state(order=[0, 1, 2, 3, 4])
    assert state()["missed"] == [1]
    assert "x₂ comes before" in page.locator(".nt-said").inner_text()
    assert "no path leads from it: a hidden layer is too narrow" in (
        page.locator(".nt-said").inner_text()
    )
