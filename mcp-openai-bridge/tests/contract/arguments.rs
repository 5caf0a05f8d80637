//! Arguments: read, checked, explained, and never run by accident.
