"""Trained networks, from an ONNX file to layers on the hardware, with their cost and their accuracy."""
