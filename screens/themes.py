"""The three themes of our own: dark, light, and one for eyes that confuse red and green."""

from textual.theme import Theme

DARK = Theme(
    name="shifu-dark",
    primary="#5fa8d3",
    secondary="#3d6480",
    accent="#e0b354",
    warning="#e0b354",
    error="#e8615a",
    success="#6cbf73",
    foreground="#d7dce2",
    background="#12161b",
    surface="#171c22",
    panel="#202731",
    dark=True,
    variables={
        "tone-ok": "#6cbf73",
        "tone-warn": "#e0b354",
        "tone-bad": "#ff6b63",
        "tone-progress": "#62b8d8",
        "tone-stale": "#8d97a3",
        "tone-unknown": "#c39be0",
        "tone-forbidden": "#a08a6b",
        "tone-off": "#7b8591",
        "prod-bar": "#9c2b26",
        "prod-text": "#ffffff",
    },
)

LIGHT = Theme(
    name="shifu-light",
    primary="#1f5f8b",
    secondary="#5b7f99",
    accent="#8a5a00",
    warning="#8a5a00",
    error="#b3261e",
    success="#1f6d2a",
    foreground="#1c2126",
    background="#f7f8fa",
    surface="#eef0f3",
    panel="#dfe4ea",
    dark=False,
    variables={
        "tone-ok": "#1f6d2a",
        "tone-warn": "#8a5a00",
        "tone-bad": "#b3261e",
        "tone-progress": "#0d6486",
        "tone-stale": "#66707b",
        "tone-unknown": "#7a3fa0",
        "tone-forbidden": "#6e5733",
        "tone-off": "#66707b",
        "prod-bar": "#b3261e",
        "prod-text": "#ffffff",
    },
)

CVD = Theme(
    name="shifu-cvd",
    primary="#56b4e9",
    secondary="#33658a",
    accent="#f0c05a",
    warning="#f0c05a",
    error="#ff9d3c",
    success="#56b4e9",
    foreground="#e3e6ea",
    background="#10141a",
    surface="#161b22",
    panel="#1f2730",
    dark=True,
    variables={
        "tone-ok": "#56b4e9",
        "tone-warn": "#f0d060",
        "tone-bad": "#ff8c1a",
        "tone-progress": "#a9d3ee",
        "tone-stale": "#8d97a3",
        "tone-unknown": "#d9d9d9",
        "tone-forbidden": "#b3a58c",
        "tone-off": "#7b8591",
        "prod-bar": "#b35900",
        "prod-text": "#ffffff",
    },
)

THEMES = (DARK, LIGHT, CVD)
