"""A stand-in for NVIDIA's NGC, as far as it gives away Clara's models.

:func:`sandbox.ngc.app.create_app` makes the application; the AIAA stand-in takes its models from the same catalogue.
"""
