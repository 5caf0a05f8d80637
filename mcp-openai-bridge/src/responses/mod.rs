//! Responses: the request, the reply and the items of both, as far as a tool loop has to look.
