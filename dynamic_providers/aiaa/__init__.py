"""Resources inside an AIAA server: the wait until it answers, its models, and a try of each model."""
