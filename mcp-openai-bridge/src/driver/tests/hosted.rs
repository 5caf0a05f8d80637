//! What a host sees, and what it is asked.

use super::*;
use crate::chat::Chunk;
use crate::turn::approval::{Policy, Rule};

/// Writes down what happens, and approves by a script.
#[derive(Default)]
struct Diary {
    lines: Mutex<Vec<String>>,
    approvals: Mutex<VecDeque<Approval>>,
}

impl Diary {
    fn write(&self, line: String) {
        self.lines.lock().unwrap().push(line);
    }

    fn lines(&self) -> Vec<String> {
        std::mem::take(&mut self.lines.lock().unwrap())
    }
}

#[async_trait]
impl Host for Diary {
    fn event(&self, event: Event<'_>) {
        self.write(match event {
            Event::Answered { call, outcome, took } => {
                let kind = if matches!(outcome, Outcome::Result(_)) { "result" } else { "failure" };
                format!("{} answered by a {kind} after {took:?}", call.id)
            }
            Event::Asking { round } => format!("asking, round {round}"),
            Event::Called(call) => format!("{} called", call.id),
            Event::Chunk(chunk) => format!("chunk {}", chunk.text()),
            Event::Progress { call, progress } => format!("{} at {}", call.id, progress.progress),
            Event::Rejected(call) => format!("{} rejected", call.id),
            Event::Replied(_) => "replied".to_owned(),
            Event::Retrying { after, why } => format!("retrying after {after:?}: {why}"),
            other => format!("{other:?}"),
        });
    }

    async fn approve(&self, call: &Call) -> Approval {
        self.write(format!("{} to be approved", call.id));
        self.approvals.lock().unwrap().pop_front().unwrap()
    }
}

fn go() -> Request {
    Request::new("m", [Message::user("go")])
}

fn asking(policy: Policy) -> Turn {
    Turn::new(go(), tool_set(), turn::Options { approval: policy, ..turn::Options::default() })
}

#[tokio::test(start_paused = true)]
async fn a_host_sees_all_that_happens_in_its_order() {
    let replies = [calls(&[("a", "echo", "{\"n\":1}"), ("b", "nope", "{}"), ("c", "refuse", "{}")]), says("done")];
    let (model, lab, diary) = (Script::new(replies), Lab::default(), Diary::default());
    let _ = Driver::new(&model, &lab).host(&diary).run(&mut start(go())).await.unwrap();
    assert_eq!(
        diary.lines(),
        [
            "asking, round 0",
            "replied",
            "b rejected",
            "a called",
            "c called",
            "a answered by a result after 1s",
            "c answered by a failure after 1s",
            "asking, round 1",
            "replied",
        ]
    );
}

/// A model whose reply comes in two pieces.
struct Streaming;

fn chunk(text: &str) -> Chunk {
    serde_json::from_value(json!({"id":"x","choices":[{"index":0,"delta":{"content":text}}]})).unwrap()
}

#[async_trait]
impl Model for Streaming {
    async fn complete(&self, _: &Request) -> Result<Completion, ModelError> {
        Err(ModelError::new("it only streams"))
    }

    async fn stream(&self, _: &Request, chunks: &mut (dyn FnMut(Chunk) + Send)) -> Result<Completion, ModelError> {
        chunks(chunk("Hel"));
        chunks(chunk("lo"));
        Ok(serde_json::from_value(says("Hello")).unwrap())
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_is_streamed_to_the_host() {
    let (lab, diary) = (Lab::default(), Diary::default());
    let end = Driver::new(&Streaming, &lab).host(&diary).stream(true).run(&mut start(go())).await.unwrap();
    let End::Done(end) = end else { panic!() };
    assert_eq!(end.text(), "Hello");
    assert_eq!(diary.lines(), ["asking, round 0", "chunk Hel", "chunk lo", "replied"]);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_cannot_stream_is_asked_without() {
    let (model, lab, diary) = (Script::new([says("done")]), Lab::default(), Diary::default());
    let _ = Driver::new(&model, &lab).host(&diary).stream(true).run(&mut start(go())).await.unwrap();
    assert_eq!(diary.lines(), ["asking, round 0", "replied"]);
}

#[tokio::test(start_paused = true)]
async fn the_host_is_asked_about_each_call_that_needs_it() {
    let reply = calls(&[("a", "echo", "{\"n\":1}"), ("b", "fail", "{}"), ("c", "echo", "{\"n\":2}")]);
    let (model, lab, diary) = (Script::new([reply, says("done")]), Lab::default(), Diary::default());
    diary.approvals.lock().unwrap().extend([Approval::Allowed, Approval::denied("no")]);
    let mut turn = asking(Policy::allow().rule(Rule::ask().tools(["echo"])));
    let _ = Driver::new(&model, &lab).host(&diary).run(&mut turn).await.unwrap();
    let contents: Vec<String> = turn.messages()[2..5].iter().map(Message::text).collect();
    assert_eq!(contents, ["echo says 1", "error: disk full", "error: denied by user: no"]);
    let asked: Vec<String> = diary.lines().into_iter().filter(|line| line.ends_with("approved")).collect();
    assert_eq!(asked, ["a to be approved", "c to be approved"]);
}

#[tokio::test(start_paused = true)]
async fn without_a_host_nothing_is_approved() {
    let (model, lab) = (Script::new([calls(&[("a", "echo", "{}")]), says("done")]), Lab::default());
    let mut turn = asking(Policy::ask());
    let _ = run(&mut turn, &model, &lab, &Options::default()).await.unwrap();
    assert_eq!(turn.messages()[2].text(), "error: denied by user: nobody can be asked");
    assert_eq!(lab.calls.into_inner().unwrap(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_cannot_say_it_now_gets_the_calls_back_and_the_turn_goes_on_later() {
    let reply = calls(&[("a", "echo", "{\"n\":1}"), ("b", "echo", "{\"n\":2}")]);
    let (model, lab, diary) = (Script::new([reply, says("done")]), Lab::default(), Diary::default());
    diary.approvals.lock().unwrap().extend([Approval::Later, Approval::Allowed]);
    let mut turn = asking(Policy::ask());
    let end = Driver::new(&model, &lab).host(&diary).run(&mut turn).await.unwrap();
    let End::Approve(waiting) = end else { panic!() };
    assert_eq!(waiting.iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["a"]);
    assert_eq!(lab.calls.lock().unwrap().len(), 1, "what was approved is made");
    let _ = turn.handle_approvals([(waiting[0].index, Approval::Allowed)]).unwrap();
    let end = Driver::new(&model, &lab).host(&diary).run(&mut turn).await.unwrap();
    assert!(matches!(end, End::Done(_)));
    assert_eq!(turn.messages()[2].text(), "echo says 1");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_keeps_the_results_there_are_and_answers_the_other_calls() {
    let reply = calls(&[("a", "hang", "{}"), ("b", "echo", "{\"n\":2}")]);
    let (model, lab) = (Script::new([reply]), Lab::default());
    let mut turn = start(go());
    let stop = async { drop(timeout(Duration::from_secs(5), std::future::pending::<()>()).await) };
    let started = Instant::now();
    let end = Driver::new(&model, &lab).cancel_on(stop).run(&mut turn).await.unwrap();
    assert!(matches!(end, End::Cancelled));
    assert_eq!(started.elapsed(), Duration::from_secs(5));
    let contents: Vec<String> = turn.messages()[2..].iter().map(Message::text).collect();
    assert_eq!(contents, ["error: cancelled: the call was cancelled before it had a result", "echo says 2"]);
    assert!(matches!(turn.step(), Step::Ask));
}

#[tokio::test(start_paused = true)]
async fn nothing_begins_in_a_run_that_is_cancelled_already() {
    let (model, lab) = (Script::new([says("done")]), Lab::default());
    let end = Driver::new(&model, &lab).cancel_on(async {}).run(&mut start(go())).await.unwrap();
    assert!(matches!(end, End::Cancelled));
    assert_eq!(model.requests.lock().unwrap().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn progress_is_shown_and_keeps_a_call_alive_but_not_for_ever() {
    let reply = calls(&[("a", "slow", "{}"), ("b", "chatter", "{}")]);
    let (model, lab, diary) = (Script::new([reply, says("done")]), Lab::default(), Diary::default());
    let mut turn = start(go());
    let _ = Driver::new(&model, &lab).host(&diary).run(&mut turn).await.unwrap();
    let contents: Vec<String> = turn.messages()[2..4].iter().map(Message::text).collect();
    assert_eq!(contents, ["at last", "error: timeout: the tool gave no result within 600 seconds"]);
    let lines = diary.lines();
    assert!(lines.contains(&"a at 4".to_owned()), "{lines:?}");
    assert!(lines.contains(&"a answered by a result after 201s".to_owned()), "{lines:?}");
}

/// Tools of two servers that take a second each, and the most that ran at once.
#[derive(Default)]
struct Two {
    running: Mutex<Vec<String>>,
    most: Mutex<Vec<(String, usize)>>,
}

#[async_trait]
impl Tools for Two {
    async fn call(&self, server: &str, _: &str, _: RawJson, _: &CallContext<'_>) -> Result<CallToolResult, Failure> {
        let count = {
            let mut running = self.running.lock().unwrap();
            running.push(server.to_owned());
            running.iter().filter(|label| *label == server).count()
        };
        self.most.lock().unwrap().push((server.to_owned(), count));
        let _ = timeout(Duration::from_secs(1), std::future::pending::<()>()).await;
        let mut running = self.running.lock().unwrap();
        let at = running.iter().position(|label| label == server).unwrap();
        running.remove(at);
        Ok(CallToolResult::text("ok"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_asked_for_much_does_not_keep_the_others_waiting() {
    let tool = [Tool::new("t", RawJson::parse(r#"{"type":"object"}"#).unwrap())];
    let set = Arc::new(ToolSet::builder().server("a", &tool).server("b", &tool).build());
    let names: Vec<String> = (0..8).map(|n| n.to_string()).collect();
    let mut asked: Vec<_> = names.iter().map(|id| (id.as_str(), "a__t", "{}")).collect();
    asked.push(("last", "b__t", "{}"));
    let (model, two, diary) = (Script::new([calls(&asked), says("done")]), Two::default(), Diary::default());
    let mut turn = Turn::new(go(), set, turn::Options::default());
    let options = Options { server_calls: 2, parallel_calls: 3, ..Options::default() };
    let started = Instant::now();
    let _ = Driver::new(&model, &two).host(&diary).options(options).run(&mut turn).await.unwrap();
    assert_eq!(started.elapsed(), Duration::from_secs(4), "two at a time for eight calls");
    let most = two.most.into_inner().unwrap();
    assert_eq!(most.iter().filter(|(label, _)| label == "a").map(|(_, count)| *count).max(), Some(2));
    let lines = diary.lines();
    let at = |line: &str| lines.iter().position(|found| found == line).unwrap();
    assert!(at("last called") < at("2 called"), "{lines:?}");
    let order: Vec<&str> = turn.messages().iter().filter_map(|message| message.tool_call_id.as_deref()).collect();
    assert_eq!(order, ["0", "1", "2", "3", "4", "5", "6", "7", "last"]);
}

#[tokio::test(start_paused = true)]
async fn a_run_may_be_awaited_by_a_task_of_its_own() {
    let run = async {
        let (model, lab) = (Script::new([calls(&[("a", "echo", "{\"n\":1}")]), says("done")]), Lab::default());
        let mut turn = start(go());
        let stop = std::future::pending();
        let _ = Driver::new(&model, &lab).host(&Diary::default()).cancel_on(stop).run(&mut turn).await.unwrap();
        turn.messages().len()
    };
    assert_eq!(tokio::spawn(run).await.unwrap(), 4);
}
