//! The way to one server: what connects to it, and the connections that wait for their next request.
//!
//! Everything in this crate that sends HTTP goes through here, so that there is one place where a connection is made.
//! The surprising thing: a request goes out again only while nothing of it has left; the server may have carried out any
//! other (H-17).

use http::Response;
use hyper::body::Incoming;

use super::connection::{BoxedRequest, Connection, Security, Unsent};
use super::pool::Pool;
use super::target::Target;
use crate::error::Error;
use crate::limits::Limits;

/// Sends requests to one server, with one kind of security.
pub(super) struct Dialer {
    target: Target,
    security: Security,
    limits: Limits,
    pub(super) pool: Pool,
}

impl Dialer {
    pub(super) fn new(target: Target, security: Security, limits: Limits) -> Self {
        Self { target, security, limits, pool: Pool::default() }
    }

    /// Sends a request over a connection that is idle, or else over a new one, and waits for the head of the response.
    pub(super) async fn send(&self, mut request: BoxedRequest) -> Result<(Connection, Response<Incoming>), Error> {
        while let Some(mut connection) = self.pool.take() {
            match connection.send(request).await {
                Ok(response) => return Ok((connection, response)),
                // The server closed it in the meantime; nothing of the request has left.
                Err(Unsent::Whole(unsent)) => request = unsent,
                Err(Unsent::Failed(error)) => return Err(error),
            }
        }
        // Boxed, because it is rare and larger than all the rest.
        let mut connection = Box::pin(Connection::open(&self.target, &self.security, &self.limits)).await?;
        match connection.send(request).await {
            Ok(response) => Ok((connection, response)),
            Err(Unsent::Whole(_)) => Err(Error::Closed),
            Err(Unsent::Failed(error)) => Err(error),
        }
    }
}
