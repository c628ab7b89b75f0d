"""Pages of the regulator's files: the desk of the months, what each row lacks, what was reported, and interruptions of the network."""
