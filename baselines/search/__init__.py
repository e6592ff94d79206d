"""How the settings of a variant are searched for: the space of settings, the rows, the course, what is rewritten."""
