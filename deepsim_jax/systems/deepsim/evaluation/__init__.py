"""How good a network is on the frames that it was not trained on, and the page that shows it."""
