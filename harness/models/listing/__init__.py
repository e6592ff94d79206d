"""The models that a server has, for people to choose from."""
