"""How long things take, side by side with what one would do by hand, and how much memory: `make bench`."""
