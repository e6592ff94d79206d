"""Labels of people, and judges held against them."""
