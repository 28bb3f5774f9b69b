"""Tests of the kinds: decoding, words, columns."""
