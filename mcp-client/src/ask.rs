//! Putting the questions of a server to the hooks, and asking again with the answers (P-12 to P-22).
//!
//! What may be asked and answered is decided in [`input`](crate::input); here is only the waiting. The surprising thing:
//! nothing of a round outlives its request, so two calls at once can never swap their answers or states (P-13).

use std::hash::{BuildHasher, Hasher, RandomState};

use futures::future::try_join_all;
use mcp_types::{InputRequest, InputRequiredResult, Project, RawJson, RpcError};
use tokio::time::sleep;

use crate::client::Client;
use crate::connection::Connection;
use crate::error::{Error, InputRequired, Misuse, PeerMisbehaved, Refused};
use crate::handler::{ClientHandler, Origin};
use crate::input::question::QuestionFault;
use crate::input::reply::Reply;
use crate::input::rounds::{AnswerFault, RoundFault, Rounds};

impl Client {
    /// Answers what the server asks back, and returns the parameters to ask again with.
    pub(crate) async fn answer_round(
        &self,
        rounds: &mut Rounds,
        method: &str,
        wanted: Box<InputRequiredResult>,
        connection: &Connection,
    ) -> Result<RawJson, Error> {
        let declared = &self.inner.identity.capabilities;
        let features = connection.agreement.revision.features();
        let mut round = match rounds.handle(InputRequiredResult::clone(&wanted), declared, features, random()) {
            Ok(round) => round,
            Err(RoundFault::Question { fault: QuestionFault::Undeclared { .. }, .. }) => {
                return Err(Error::InputRequired(InputRequired { result: wanted }));
            }
            Err(fault) => return Err(misasked(method, &fault)),
        };
        sleep(round.wait()).await;
        let asked = round.questions().map(|(key, question)| self.consult(key, question, connection));
        let replies = try_join_all(asked).await?;
        for (key, reply) in replies {
            round.answer(&key, reply).map_err(|fault| match fault {
                AnswerFault::Wrong(wrong) => misanswered(wanted.input_requests.as_ref(), &key, &wrong),
                unasked => misasked(method, &unasked),
            })?;
        }
        round.into_params().map_err(|_| misasked(method, &"a question has no answer"))
    }

    /// Puts one question to its hook.
    pub(crate) async fn consult(
        &self,
        key: &str,
        question: &InputRequest,
        connection: &Connection,
    ) -> Result<(String, Reply), Error> {
        let origin = Origin { server: connection.agreement.server_info.clone(), key: Some(key.to_owned()) };
        let reply = ask(self.inner.inbox.handler(), question.clone(), origin).await;
        let refused = |error| Error::Refused(Refused { method: question.method(), error });
        let mut reply = reply.map_err(refused)?;
        reply.project(connection.agreement.revision.features());
        Ok((key.to_owned(), reply))
    }
}

/// Puts a question to its hook.
pub(crate) async fn ask(
    handler: &dyn ClientHandler,
    question: InputRequest,
    origin: Origin,
) -> Result<Reply, RpcError> {
    match question {
        InputRequest::Elicit(question) => handler.elicit(*question, origin).await.map(Reply::Elicit),
        InputRequest::CreateMessage(question) => handler.sample(*question, origin).await.map(Reply::CreateMessage),
        InputRequest::ListRoots(_) => handler.roots(origin).await.map(Reply::ListRoots),
        // No question of another kind passes the check, as nobody can declare it.
        other => Err(RpcError::method_not_found(other.method())),
    }
}

/// The server asks what it may not.
pub(crate) fn misasked(method: &str, why: &impl ToString) -> Error {
    PeerMisbehaved::Questions { method: method.to_owned(), why: why.to_string() }.into()
}

fn misanswered(asked: Option<&mcp_types::InputRequests>, key: &str, why: &impl ToString) -> Error {
    let method = asked.and_then(|asked| asked.request(key)).map_or("", InputRequest::method);
    Misuse::Answer { method, why: why.to_string() }.into()
}

/// Returns any number, by which the waits of many clients differ.
pub(crate) fn random() -> u32 {
    let mixed = RandomState::new().build_hasher().finish();
    u32::try_from(mixed >> 32).unwrap_or_default()
}
