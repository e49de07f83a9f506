"""Frames of a video as pairs: folders of frames, video files, data sets."""
