"""A first suite from a user's data: what is in the files, what fits the machine, and the folder that is written."""
