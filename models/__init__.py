"""Network definitions and their export to ONNX (torch; run from a checkout, not in the wheel)."""
