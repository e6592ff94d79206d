"""Rubrics: what a judge is asked."""
