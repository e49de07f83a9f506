"""DeepSIM: a conditional generator learned from one photograph and its primitive."""
