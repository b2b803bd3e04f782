"""Games of an instruction or a question that a panel answers and a judge scores."""
