"""Checks: what passes comes back as what it stands for, what does not is named."""

import numpy as np
import pytest
import tensorflow as tf

from normflows_tut import _checks


@pytest.mark.parametrize("dtype", [tf.float64, "float64", np.float64, np.dtype("float64")])
def test_every_form_of_a_dtype(dtype):
    assert _checks.float_dtype(dtype) is tf.float64


@pytest.mark.parametrize("dtype", [tf.float16, tf.int32, "foo", None, int])
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(ValueError, match=r"dtype must be tf\.float32 or tf\.float64, got"):
        _checks.float_dtype(dtype)


def test_sizes():
    assert _checks.positive_ints("hidden_units", np.array([4, 8])) == (4, 8)
    assert _checks.positive_ints("hidden_units", ()) == ()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (64, "hidden_units must be a sequence of whole numbers, got 64"),
        ("64", "hidden_units must be a sequence of whole numbers, got '64'"),
        (None, "hidden_units must be a sequence of whole numbers, got None"),
        ((8, 0), "each of hidden_units must be at least 1, got 0"),
        ((8, 2.5), r"each of hidden_units must be a whole number, got 2\.5"),
        ((8, True), "each of hidden_units must be a whole number, got True"),
    ],
)
def test_sizes_that_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        _checks.positive_ints("hidden_units", values)


@pytest.mark.parametrize("seed", [None, -1, 1.5, "a", [1, 2], 2**31])
def test_seeds_that_are_refused(seed):
    with pytest.raises(ValueError, match="seed must"):
        _checks.seed_number(seed)


def test_generators_of_a_seed():
    draws = [_checks.random_generator(seed).normal() for seed in (3, [3], (3,), np.array([3]))]
    assert len(set(draws)) == 1
    assert _checks.random_generator([3, 1]).normal() != draws[0]


@pytest.mark.parametrize("seed", [None, -1, 1.5, "a", [None, 0], [-1, 0], np.array([1.5, 0.0])])
def test_generators_of_no_seed(seed):
    with pytest.raises(ValueError, match=r"seed must be a non-negative int or a sequence .* got"):
        _checks.random_generator(seed)


def test_masked_data_are_missing_not_what_lies_below_the_mask():
    data = np.ma.masked_array([[1, 2], [3, 4], [5, 6]], mask=[[0, 0], [0, 1], [0, 0]])
    with pytest.raises(ValueError, match=r"row 1 \(counted from 0\) is \[3.0, nan\]; 1 of 3"):
        _checks.data_array(data)
    whole = np.ma.masked_array([[1, 2], [3, 4]])
    np.testing.assert_array_equal(_checks.data_array(whole), [[1, 2], [3, 4]])


@pytest.mark.parametrize("data", [np.array([[1j, 2.0]]), [[1 + 2j, 3]]])
def test_complex_data_are_not_cut_to_their_real_part(data):
    with pytest.raises(ValueError, match="data must be an array of numbers: got complex128"):
        _checks.data_array(data)
