"""The console without a screen."""
