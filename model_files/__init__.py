"""What a model owner hands over, and whether AIAA can take it. Knows nothing of networks, Pulumi or settings."""
