"""Actions: planned, carried out, stopped, resumed, and what they refuse."""
