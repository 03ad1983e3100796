"""A stand-in for NVIDIA's AIAA server of Clara 3.1, 4.0 or 4.1.

Its REST protocol is on the outside, a real Triton Inference Server inside.

:func:`sandbox.aiaa.app.create_app` makes the application; ``python3 -m sandbox.aiaa`` is what the image's launchers
run. docs/aiaa.md tells the protocol, its public sources, and what this stand-in does where those are silent.
"""
