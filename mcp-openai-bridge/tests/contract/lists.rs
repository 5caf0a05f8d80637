//! Many servers: lists, caches, deadlines, and the requests that a call costs.
