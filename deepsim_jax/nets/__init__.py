"""Building blocks of networks and the networks that several systems share."""
