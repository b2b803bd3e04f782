"""Where fixed problems come from: files, hubs and generators, read row by row and checked as they are read."""
