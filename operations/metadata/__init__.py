"""Building the viewer's metadata in XNAT: what was asked for is noted, never sent twice, and followed to its end."""
