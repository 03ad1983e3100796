"""How Docker engines are reached: one place for our own calls and for the docker provider's configuration."""
