//! A question of the server to the client of a legacy session, and the wait for its answer (HL-16, HL-17, P-60).
//!
//! The surprising thing: a question leaves through the notifier of the call that raised it, and comes back through the
//! session, because over HTTP the answer is a message of its own that names nothing but the id.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures::future::FutureExt as _;
use futures_channel::oneshot;
use mcp_types::{RawJson, RequestId, RpcError, rpc};

use super::Session;
use crate::outbox::Notifier;
use crate::peer::cancelled;

/// A question that waits for its answer; [`Session::ask`] makes it.
///
/// It is sent when it is first polled. Dropping it before the answer withdraws it: the client is told that nobody waits
/// any more, as long as the exchange that it was asked in is open.
#[must_use = "a question is asked when it is polled"]
pub struct Ask {
    session: Arc<Session>,
    via: Notifier,
    id: i64,
    /// The request, until it is sent.
    unsent: Option<Bytes>,
    answer: Result<oneshot::Receiver<Result<RawJson, RpcError>>, Option<AskError>>,
}

/// Why there is no answer to a question.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum AskError {
    /// The session is over, or there is no way to its client.
    Ended,
    /// The client answered with an error, or too many questions wait for their answers.
    Refused(RpcError),
}

impl Ask {
    pub(super) fn new(session: Arc<Session>, via: Notifier, method: &str, params: &RawJson) -> Self {
        let (sender, receiver) = oneshot::channel();
        let id = session.lock().await_answer(sender);
        match id {
            Ok(id) => {
                let mut request = BytesMut::new();
                rpc::request(&mut request, &RequestId::from(id), method, Some(params));
                Self { session, via, id, unsent: Some(request.freeze()), answer: Ok(receiver) }
            }
            Err(error) => Self { session, via, id: 0, unsent: None, answer: Err(Some(error)) },
        }
    }

    /// Returns the id that the question is sent under.
    pub fn id(&self) -> RequestId {
        self.id.into()
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Result<RawJson, AskError>> {
        if self.unsent.is_some() && ready!(self.via.poll_request(cx, &mut self.unsent)).is_err() {
            return Poll::Ready(Err(AskError::Ended));
        }
        match &mut self.answer {
            Ok(receiver) => match ready!(receiver.poll_unpin(cx)) {
                Ok(outcome) => Poll::Ready(outcome.map_err(AskError::Refused)),
                Err(oneshot::Canceled) => Poll::Ready(Err(AskError::Ended)),
            },
            Err(error) => Poll::Ready(Err(error.take().unwrap_or(AskError::Ended))),
        }
    }
}

impl Future for Ask {
    type Output = Result<RawJson, AskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(self.poll_answer(cx));
        if self.answer.is_ok() {
            self.session.lock().forget_question(self.id);
            self.answer = Err(None);
        }
        Poll::Ready(answer)
    }
}

impl Drop for Ask {
    fn drop(&mut self) {
        if self.answer.is_err() {
            return;
        }
        let was_open = self.session.lock().forget_question(self.id);
        if was_open && self.unsent.is_none() {
            let params = cancelled(RequestId::Number(self.id), "the server no longer waits for it");
            let mut message = BytesMut::new();
            rpc::notification(&mut message, "notifications/cancelled", Some(&params));
            self.via.send_now(&message);
        }
    }
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => f.write_str("the client cannot be asked any more: its session or its stream is over"),
            Self::Refused(error) => write!(f, "the client refused to answer: {}", error.message),
        }
    }
}

impl std::error::Error for AskError {}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use mcp_types::Response;
    use serde_json::{Value, json};

    use super::*;
    use crate::limits::Limits;
    use crate::outbox::{Outbox, outbox};

    fn exchange() -> (Arc<Session>, Notifier, Outbox) {
        let (notifier, outbox) = outbox(&Limits::default());
        (Arc::new(Session::new()), notifier, outbox)
    }

    fn sent(outbox: &mut Outbox) -> Option<Value> {
        outbox.try_next().map(|message| serde_json::from_slice(&message).unwrap())
    }

    fn answer(id: i64, outcome: Result<Value, RpcError>) -> Response {
        Response { id: Some(id.into()), outcome: outcome.map(RawJson::from) }
    }

    #[test]
    fn a_question_goes_out_on_its_exchange_and_its_answer_comes_by_the_session_hl_17() {
        let (session, notifier, mut outbox) = exchange();
        let mut ask = session.ask(&notifier, "sampling/createMessage", &RawJson::empty_object());
        assert_eq!((&mut ask).now_or_never(), None);
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": "sampling/createMessage", "params": {}});
        assert_eq!(sent(&mut outbox), Some(request));
        assert!(!session.answered(answer(2, Ok(json!({})))), "an id that was never used");
        assert!(session.answered(answer(1, Ok(json!({"role": "user"})))));
        assert!(!session.answered(answer(1, Ok(json!({})))), "a second answer is dropped");
        assert_eq!(ask.now_or_never().unwrap().unwrap().as_str(), r#"{"role":"user"}"#);
        assert_eq!(sent(&mut outbox), None, "an answered question is not withdrawn");
    }

    #[test]
    fn questions_of_one_session_have_ids_of_their_own_and_answers_in_any_order_hl_16() {
        let (session, notifier, _outbox) = exchange();
        let mut asks: Vec<_> = (0..3).map(|_| session.ask(&notifier, "roots/list", &RawJson::empty_object())).collect();
        for ask in &mut asks {
            assert_eq!(ask.now_or_never(), None);
        }
        for id in [3, 1, 2] {
            assert!(session.answered(answer(id, Ok(json!({"id": id})))));
        }
        for (ask, id) in asks.into_iter().zip(1..) {
            assert_eq!(ask.now_or_never().unwrap().unwrap().as_str(), json!({"id": id}).to_string());
        }
    }

    #[test]
    fn a_refusal_is_the_answer_and_an_error_without_an_id_is_not() {
        let (session, notifier, _outbox) = exchange();
        let mut ask = session.ask(&notifier, "ping", &RawJson::empty_object());
        assert_eq!((&mut ask).now_or_never(), None);
        let error = RpcError::method_not_found("ping");
        assert!(!session.answered(Response { id: None, outcome: Err(error.clone()) }));
        assert!(session.answered(answer(1, Err(error.clone()))));
        assert_eq!(ask.now_or_never(), Some(Err(AskError::Refused(error))));
    }

    #[test]
    fn a_dropped_question_is_withdrawn_when_it_was_sent_p_60() {
        let (session, notifier, mut outbox) = exchange();
        drop(session.ask(&notifier, "ping", &RawJson::empty_object()));
        assert_eq!(sent(&mut outbox), None);
        let mut ask = session.ask(&notifier, "ping", &RawJson::empty_object());
        assert_eq!((&mut ask).now_or_never(), None);
        drop(ask);
        assert_eq!(sent(&mut outbox).unwrap()["id"], 2);
        let cancelled = sent(&mut outbox).unwrap();
        assert_eq!(
            (&cancelled["method"], &cancelled["params"]["requestId"]),
            (&json!("notifications/cancelled"), &json!(2))
        );
        assert!(!session.answered(answer(2, Ok(json!({})))), "a late answer is dropped");
    }

    #[test]
    fn the_end_of_the_session_or_of_the_exchange_ends_every_question() {
        let (session, notifier, outbox) = exchange();
        let mut sent = session.ask(&notifier, "ping", &RawJson::empty_object());
        assert_eq!((&mut sent).now_or_never(), None);
        drop(outbox);
        let unsent = session.ask(&notifier, "ping", &RawJson::empty_object());
        assert_eq!(unsent.now_or_never(), Some(Err(AskError::Ended)));
        session.end();
        assert_eq!(sent.now_or_never(), Some(Err(AskError::Ended)));
        let late = session.ask(&notifier, "ping", &RawJson::empty_object());
        assert_eq!(late.now_or_never(), Some(Err(AskError::Ended)));
    }

    #[test]
    fn questions_that_wait_are_bounded() {
        let (session, notifier, _outbox) = exchange();
        let ask = || session.ask(&notifier, "ping", &RawJson::empty_object());
        let asks: Vec<_> = (0..super::super::MAX_QUESTIONS).map(|_| ask()).collect();
        assert!(matches!(ask().now_or_never(), Some(Err(AskError::Refused(_)))));
        drop(asks);
        assert_eq!(ask().now_or_never(), None);
    }
}
