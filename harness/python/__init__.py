"""The harness in Python: runs are made and read, and their figures are tables, for notebooks and scripts."""
