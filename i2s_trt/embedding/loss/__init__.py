"""What is minimised: Eq. 1 and 2, the prior, their gradient in every precision, and their curvature."""
