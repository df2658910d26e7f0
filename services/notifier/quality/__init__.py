"""What the dispositions say of the rules, and the times of the cases. Pure and exact."""
