"""An XNAT with the OHIF viewer plugin, as a REST client sees it: log-in, rights, projects, lists of AIAA servers.

Written from XNAT's and the plugin's sources and documentation (docs/xnat.md names them), not from our client.
"""
