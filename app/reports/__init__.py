"""One file per report, on one contract (`base.py`) and one writer for each format."""
