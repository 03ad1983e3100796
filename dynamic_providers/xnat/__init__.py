"""Resources inside an XNAT: the check of what registrations need, and the lists of AIAA servers."""
