"""Show contacts; change, merge, hand out and erase them."""
