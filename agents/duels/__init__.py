"""Win rates, `selfplay eval --against`: models are asked, a judge compares their answers, wins are counted."""
