"""Kubernetes: configuration, credentials, reading, and the one gateway for writes."""
