"""The passages that a question is put to the model with."""
