//! What servers ask in the middle of a call, put to the client that made the call.
//!
//! Only servers that the file lets ask declare that they may. The surprising thing: a server of the modern era asks
//! inside of its answer, so the question leads back to its call by itself. One of a legacy session asks by a request of
//! its own that names no call; it is passed on only while there is one call that it can belong to, and only to a client
//! that can be asked without running the tool again. Calls that came by plain HTTP, or that a model made, count here too,
//! though nobody behind them can be asked. Nobody is ever shown the question of somebody else's call.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mcp_client::types::{
    ClientCapabilities, CreateMessageRequestParams, CreateMessageResult, ElicitRequestParams, ElicitResult,
    ElicitationCapability, SamplingCapability,
};
use mcp_client::{ClientHandler, HookFuture, Origin};
use mcp_server::Cx;
use mcp_types::{Features, RpcError};

use super::config::Server;

tokio::task_local! {
    /// The call that the present task works on; `None` while nobody behind it can be asked.
    static CALL: Option<Cx>;
}

/// The way from the questions of one server to its calls.
#[derive(Clone, Default)]
pub(super) struct Questions {
    may_elicit: bool,
    may_sample: bool,
    /// The calls that run; `None` for one behind which nobody can be asked.
    calls: Arc<Mutex<Vec<Arc<Option<Cx>>>>>,
}

/// A call that runs; it is forgotten when this is dropped.
struct Running {
    questions: Questions,
    call: Arc<Option<Cx>>,
}

impl Questions {
    /// Takes from the file what a server may ask.
    pub(super) fn new(server: &Server) -> Self {
        Self { may_elicit: server.allow_elicitation, may_sample: server.allow_sampling, calls: Arc::default() }
    }

    /// Returns whether the server may ask anything.
    pub(super) fn may_be_asked(&self) -> bool {
        self.may_elicit || self.may_sample
    }

    /// Lets the questions of a server, which may ask some, find back to a call while it runs.
    pub(super) async fn during<T>(&self, cx: &Cx, call: impl Future<Output = T>) -> T {
        let _running = self.run(Some(cx.clone()));
        CALL.scope(Some(cx.clone()), call).await
    }

    /// Lets a call run behind which nobody can be asked, so that its questions are put to nobody else.
    pub(super) async fn during_unasked<T>(&self, call: impl Future<Output = T>) -> T {
        if !self.may_be_asked() {
            return call.await;
        }
        let _running = self.run(None);
        // One server of this process may be called within a call of another.
        CALL.scope(None, call).await
    }

    fn run(&self, cx: Option<Cx>) -> Running {
        let running = Running { questions: self.clone(), call: Arc::new(cx) };
        self.lock().push(Arc::clone(&running.call));
        running
    }

    /// Returns the call that a question belongs to.
    fn call(&self) -> Result<Cx, RpcError> {
        if let Ok(Some(cx)) = CALL.try_with(Option::clone) {
            return Ok(cx);
        }
        let only = match self.lock().as_slice() {
            [only] => Option::clone(only),
            _ => None,
        };
        only.filter(|cx| cx.features().has(Features::SESSION))
            .ok_or_else(|| RpcError::internal("this gateway cannot tell whom the question is for"))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Option<Cx>>>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.questions.lock().retain(|call| !Arc::ptr_eq(call, &self.call));
    }
}

impl ClientHandler for Questions {
    fn capabilities(&self) -> ClientCapabilities {
        let mut capabilities = ClientCapabilities::new();
        if self.may_elicit {
            capabilities = capabilities.elicitation(ElicitationCapability::new());
        }
        if self.may_sample {
            capabilities = capabilities.sampling(SamplingCapability::new());
        }
        capabilities
    }

    fn elicit(&self, question: ElicitRequestParams, origin: Origin) -> HookFuture<'_, ElicitResult> {
        Box::pin(async move {
            let answer = self.call()?.elicit::<ElicitResult>(&key(&origin), question).await;
            answer.map_err(RpcError::from)
        })
    }

    fn sample(&self, question: CreateMessageRequestParams, origin: Origin) -> HookFuture<'_, CreateMessageResult> {
        Box::pin(async move { self.call()?.sample(&key(&origin), question).await.map_err(RpcError::from) })
    }
}

/// The key of a question; one of a legacy session has none, and is asked in place.
fn key(origin: &Origin) -> String {
    origin.key.clone().unwrap_or_else(|| "question".to_owned())
}
