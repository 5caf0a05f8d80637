//! A model that is asked again.

use super::*;
use crate::chat::Chunk;
use crate::responses;
use crate::turn::Responses;

/// Fails by a script, and then answers.
struct Moody {
    faults: Mutex<VecDeque<ModelError>>,
    asked: AtomicUsize,
    /// Whether a piece is shown before each fault.
    shows: bool,
}

impl Moody {
    fn new(faults: impl Into<VecDeque<ModelError>>) -> Self {
        Self { faults: Mutex::new(faults.into()), asked: AtomicUsize::new(0), shows: false }
    }
}

#[async_trait]
impl Model for Moody {
    async fn complete(&self, _: &Request) -> Result<Completion, ModelError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        match self.faults.lock().unwrap().pop_front() {
            Some(fault) => Err(fault),
            None => Ok(serde_json::from_value(says("done")).unwrap()),
        }
    }

    async fn stream(
        &self,
        request: &Request,
        chunks: &mut (dyn FnMut(Chunk) + Send),
    ) -> Result<Completion, ModelError> {
        if self.shows {
            chunks(
                serde_json::from_value(json!({"id":"x","choices":[{"index":0,"delta":{"content":"Hel"}}]})).unwrap(),
            );
        }
        self.complete(request).await
    }
}

#[derive(Default)]
struct Waits(Mutex<Vec<Duration>>);

impl<A: Api> Host<A> for Waits {
    fn event(&self, event: Event<'_, A>) {
        if let Event::Retrying { after, .. } = event {
            self.0.lock().unwrap().push(after);
        }
    }
}

/// Runs a turn and returns whether it was done, how often the model was asked, the waits, and how long it took.
async fn asked(model: &Moody) -> (bool, usize, Vec<u128>, Duration) {
    let (lab, waits, started) = (Lab::default(), Waits::default(), Instant::now());
    let mut turn = start(Request::new("m", [Message::user("go")]));
    let end = Driver::new(model, &lab).host(&waits).stream(true).run(&mut turn).await;
    let waits = waits.0.into_inner().unwrap().iter().map(Duration::as_millis).collect();
    (end.is_ok(), model.asked.load(Ordering::SeqCst), waits, started.elapsed())
}

fn refusal(status: u16) -> ModelError {
    ModelError::new("no").status(status)
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_busy_is_asked_again_after_the_wait_it_asks_for() {
    let busy = refusal(429).retry_after(Duration::from_secs(7));
    let asked = asked(&Moody::new([busy, refusal(503)])).await;
    assert_eq!(asked, (true, 3, vec![7000, 1000], Duration::from_secs(8)));
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_stays_busy_ends_the_run() {
    let asked = asked(&Moody::new([529, 500, 502, 504].map(refusal))).await;
    assert_eq!(asked, (false, 4, vec![500, 1000, 2000], Duration::from_millis(3500)));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_wrong_is_not_sent_again() {
    assert_eq!(asked(&Moody::new([refusal(400)])).await, (false, 1, vec![], Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_reply_of_which_a_piece_was_shown_is_not_asked_for_again() {
    let model = Moody { shows: true, ..Moody::new([refusal(500)]) };
    assert_eq!(asked(&model).await, (false, 1, vec![], Duration::ZERO));
}

/// Fails in the body of a response, and then answers.
struct Failing(Mutex<VecDeque<Value>>);

#[async_trait]
impl Model<Responses> for Failing {
    async fn complete(&self, _: &responses::Request) -> Result<responses::Response, ModelError> {
        Ok(serde_json::from_value(self.0.lock().unwrap().pop_front().unwrap()).unwrap())
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_that_failed_for_a_while_is_asked_for_again() {
    let failed = json!({"id":"r","status":"failed","output":[],"error":{"code":"server_error","message":"oops"}});
    let message = json!({"type":"message","role":"assistant","content":[{"type":"output_text","text":"done"}]});
    let model = Failing(Mutex::new([failed, json!({"id":"r2","status":"completed","output":[message]})].into()));
    let (lab, waits) = (Lab::default(), Waits::default());
    let mut turn =
        Turn::new(responses::Request::new("m", [responses::Item::user("go")]), tool_set(), turn::Options::default());
    let End::Done(end) = Driver::new(&model, &lab).host(&waits).run(&mut turn).await.unwrap() else { panic!() };
    assert_eq!((end.text().as_str(), waits.0.into_inner().unwrap().len()), ("done", 1));
}
