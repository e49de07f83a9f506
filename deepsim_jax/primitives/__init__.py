"""The drawings of a photo: edges, segmentations, both, paintings, landmarks."""
