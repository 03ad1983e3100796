"""What `bin/aiaa doctor` looks at, by topic. Each check yields findings, and raises nothing."""
