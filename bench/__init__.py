"""How long things take, side by side with what one would do by hand, in one run: `make bench`."""
