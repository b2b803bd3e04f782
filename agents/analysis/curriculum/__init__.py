"""What proposers ask over training: how valid, long, hard and varied it is, and a sample of it solved anew."""
