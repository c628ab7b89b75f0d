"""Boards of figures: cases, commercial side, satisfaction, quality; on the desk, on paper, and on the television of the office."""
