"""Helpers of answers: option letters and the wordings that name them."""
