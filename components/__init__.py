"""What is deployed, as component resources. They wire; they do not talk to servers."""
