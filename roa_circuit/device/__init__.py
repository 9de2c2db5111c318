"""Device: one memristor, its constants, its state and current (Eq. 1-5), its programming (Eq. 6-7)."""
