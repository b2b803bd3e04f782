"""Everything a person sees: live screen, tables, plots, episodes, a seat at the table. No torch."""
