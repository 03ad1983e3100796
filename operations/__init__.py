"""What a person does by hand, or reads after a run."""
