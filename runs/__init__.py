"""Runs of the Pulumi CLI that change a stack: one at a time, and nothing lost when one is killed."""
