"""Single torch functions that are faster or smaller than torch's own; some change a model's layers."""
