"""How Docker engines are reached: one place for our own calls and for what the docker provider is given."""
