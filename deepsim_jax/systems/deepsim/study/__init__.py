"""The studies of the DeepSIM paper: its tables and its Figure 7."""
