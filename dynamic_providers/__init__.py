"""What lives inside AIAA and XNAT, as Pulumi resources.

The module path and the class name of every provider here are a public contract: state files name them (each
resource's `__provider` is a pickled reference). Move one, and `refresh` and `destroy` of existing stacks fail.
"""
