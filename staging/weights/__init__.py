"""Files that ship with the package: the default model and its card."""
