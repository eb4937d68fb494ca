"""How the embedded models were made: portraits drawn from known factors, and networks trained on them."""
