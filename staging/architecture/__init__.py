"""Sleep-architecture metrics of a hypnogram: numpy only."""
