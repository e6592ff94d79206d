"""Proofs that this installation computes what the figures rest on, with tiny models of random weights."""
