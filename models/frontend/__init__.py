"""The Python path's signal processing as a network: raw samples to the model's inputs, inside the graph."""
