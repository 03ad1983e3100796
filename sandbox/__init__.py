"""Stand-ins that make a laptop enough: an AIAA server and an XNAT. They import nothing else of the repository."""
