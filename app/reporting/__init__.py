"""Pages of the reports: their catalogue, each of them, what leaves by mail by itself, and what was made."""
