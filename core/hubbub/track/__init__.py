"""Know what became of everything: receipts, sweeps, ledger, trace."""
