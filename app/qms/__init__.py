"""Pages of the quality management system: risks, legal matrix, indicators, documented information, process sheets, audits, reviews."""
