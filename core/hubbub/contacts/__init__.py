"""Know whom we write with: their addresses, merged and parted, handed out, and erased."""
