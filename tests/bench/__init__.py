"""Benchmarks: our figures beside the peers', measured in one run; nothing here passes or fails."""
