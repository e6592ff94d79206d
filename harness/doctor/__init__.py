"""Looks at the machine and the installation before a run does, and names the remedy of what is wrong."""
