"""Proofs about every training method, found as the methods themselves are."""
