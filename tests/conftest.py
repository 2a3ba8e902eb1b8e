"""Shared by all tests."""

import os

# Before TensorFlow is imported: its start-up lines would stand in every failure's report.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
