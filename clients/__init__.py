"""REST clients: one for each server, on one transport and one tree of exceptions. They know nothing of Pulumi."""
