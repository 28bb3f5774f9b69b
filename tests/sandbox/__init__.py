"""Tests of the embedded fleet."""
