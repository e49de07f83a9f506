"""DeepSIM: a photo and its primitive train a generator that follows an edited primitive."""
