//! Names: legal, reversible, stable.
