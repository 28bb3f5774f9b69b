"""Tests of shifu-console."""
