"""Controllers in miniature: what makes the emulated clusters live."""
