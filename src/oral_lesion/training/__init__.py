"""Training: pictures, augmentation, network, loss, fit, evaluation and export. Torch is used here only."""
