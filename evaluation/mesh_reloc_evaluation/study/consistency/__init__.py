"""Whether pose errors agree with the reported covariance."""
