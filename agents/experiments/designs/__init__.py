"""The experiments that come with the package: arms, budgets and problems of each, and the table of them."""
