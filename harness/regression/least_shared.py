"""How much two runs must have in common to be compared; apart, because the command line shows it and little else."""

LEAST_SHARED = 0.5  # of the larger set of items, that both runs must have
