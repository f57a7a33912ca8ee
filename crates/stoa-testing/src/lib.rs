//! Part of stoa; see `docs/ARCHITECTURE.md`.
