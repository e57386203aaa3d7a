"""What the churn jobs do: pure transforms, the tables' schemas, and input and output by name."""
