"""Training on public polysomnography sets: data sets, the fit, its evaluation and the export."""
