"""The embedded fleet: emulated clusters with life in them, a program of its own."""
