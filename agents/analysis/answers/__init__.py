"""Right and wrong answers of arms, whoever sampled them: pass@k with intervals, its crossover, solved sets."""
