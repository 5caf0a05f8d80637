//! The runs of a row: its subjects and points in turn, round after round.
//!
//! The surprising thing: a subject that fails takes nobody with it. Its cell says why it is empty, and the others go on.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    bench::{
        build, callgrind, gateway,
        judge::{Cell, Sample},
        programs::{Listening, Programs, text},
        row::{Axis, How, Row, Way},
    },
    process::{Group, Outcome, Red, is_installed},
};

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    /// The seconds of one run of a subject.
    pub(crate) seconds: f64,
    /// The seconds in which a subject that is interpreted is warmed up once, however short a run is.
    pub(crate) slow_warm: f64,
    /// The calls of a client, and the questions of a loop times ten.
    pub(crate) calls: u64,
    pub(crate) is_quick: bool,
}

impl Plan {
    /// The plan in words, for whoever reads the figures.
    pub(crate) fn words(&self) -> String {
        let Self { rounds, seconds, slow_warm, .. } = self;
        let (kind, few) = (if self.is_quick { "a quick run" } else { "a full run" }, few(self));
        format!(
            "{kind}: {rounds} rounds of {seconds} s for each subject ({few} of memory and builds, 1 of instructions), \
             interpreted ones warmed up for {slow_warm} s"
        )
    }
}

/// Measures a row.
pub(crate) fn measure(row: &Row, programs: &Programs, plan: &Plan) -> Vec<Cell> {
    let each = |subject: &&'static str| {
        let subject = *subject;
        row.points.iter().map(move |&point| Cell { subject, point, samples: Vec::new(), missing: None })
    };
    // Points outside, subjects inside: what is compared stands side by side in time.
    let mut cells: Vec<Cell> = row.subjects.iter().flat_map(each).collect();
    cells.sort_by_key(|cell| cell.point);
    match row.how {
        How::Build => in_turn(&mut cells, few(plan), |cell| build::sample(row, cell.subject, programs)),
        How::Client(way, words) => clients(&mut cells, way, words, programs, plan),
        How::Gateway => gateway::measure(row, &mut cells, programs, plan),
        How::Http(words) => servers(row, &mut cells, words, programs, plan),
        How::Instructions => in_turn(&mut cells, 1, |cell| instructions(row, cell, programs)),
        How::Loop => loops(&mut cells, programs, plan),
        How::Memory(words) => in_turn(&mut cells, few(plan), |cell| memory(cell, words, programs, plan)),
        How::Start => {
            in_turn(&mut cells, plan.rounds, |cell| {
                let count = match (plan.is_quick, is_slow(cell.subject)) {
                    (true, true) => "2",
                    (true, false) | (false, true) => "5",
                    (false, false) => "20",
                };
                let words = load(programs, &["start", "--era", "legacy", "--count", count]);
                let server = programs.server(cell.subject, false, 0)?;
                let told = tell(programs, &with_command(words, &server))?;
                Ok(Sample { figure: number(&told, "p50_us") / 1000.0, told })
            });
        }
        How::Stdio(words) => in_turn(&mut cells, plan.rounds, |cell| {
            let server = programs.server(cell.subject, false, tools_of(row, cell.point))?;
            let words = loaded(row, "stdio", words, cell, programs, plan);
            cpu(tell(programs, &with_command(words, &server))?)
        }),
    }
    cells
}

/// Runs all cells, round after round. A cell that fails is left alone afterwards.
pub(crate) fn in_turn(cells: &mut [Cell], rounds: usize, mut run: impl FnMut(&Cell) -> Outcome<Sample>) {
    for _ in 0..rounds {
        for cell in cells.iter_mut().filter(|cell| cell.missing.is_none()) {
            match run(cell) {
                Ok(sample) => cell.samples.push(sample),
                Err(red) => {
                    cell.samples.clear();
                    cell.missing = Some(short(&red.message));
                }
            }
        }
    }
}

fn servers(row: &Row, cells: &mut [Cell], words: &[&str], programs: &Programs, plan: &Plan) {
    let mut running: Vec<((&str, u64), Outcome<Listening>)> = Vec::new();
    for cell in cells.iter() {
        let key = (cell.subject, tools_of(row, cell.point));
        if running.iter().all(|(started, _)| *started != key) {
            let started = programs.server(key.0, true, key.1).and_then(|words| programs.listen(&words));
            running.push((key, started));
        }
    }
    in_turn(cells, plan.rounds, |cell| {
        let key = (cell.subject, tools_of(row, cell.point));
        let server = running.iter().find(|(started, _)| *started == key).map(|(_, server)| server);
        match server {
            Some(Ok(server)) => {
                let words = loaded(row, "http", words, cell, programs, plan);
                let told = tell(programs, &with_server(words, server))?;
                if row.mode == "SSE" && told["is_events"] == false {
                    return Err(Red::new("it answers with JSON"));
                }
                cpu(told)
            }
            Some(Err(red)) => Err(Red::new(&red.message)),
            None => Err(Red::new("it was not started")),
        }
    });
}

fn clients(cells: &mut [Cell], way: Way, words: &[&str], programs: &Programs, plan: &Plan) {
    let limit = programs.server("limit", way == Way::Http, 0);
    let listening = match (&limit, way) {
        (Ok(words), Way::Http) => Some(programs.listen(words)),
        _ => None,
    };
    in_turn(cells, plan.rounds, |cell| {
        let program = format!("{}-client", cell.subject);
        let is_limit = cell.subject == "limit";
        let mut run = vec![if is_limit { programs.load_side(&program) } else { text(&programs.program(&program)?) }];
        run.extend(words.iter().map(|&word| word.to_owned()));
        let calls = [("--requests", plan.calls), ("--warm", plan.calls / 10), ("--size", cell.point)];
        run.extend(calls.into_iter().flat_map(|(option, number)| [option.to_owned(), number.to_string()]));
        let run = match &listening {
            Some(Ok(server)) => run.into_iter().chain(["--url".to_owned(), server.url.clone()]).collect(),
            Some(Err(red)) => return Err(Red::new(&red.message)),
            None => with_command(run, limit.as_ref().map_err(|red| Red::new(&red.message))?),
        };
        own_cpu(tell(programs, &run)?)
    });
}

fn loops(cells: &mut [Cell], programs: &Programs, plan: &Plan) {
    let model = programs.listen(&[programs.load_side("limit-model")]);
    in_turn(cells, plan.rounds, |cell| {
        let model = model.as_ref().map_err(|red| Red::new(&red.message))?;
        let mut run = match cell.subject {
            "ai sdk" => programs.node_script("loop.mjs")?,
            _ => vec![text(&programs.program("ours-loop")?)],
        };
        run.extend((cell.subject == "bare calls").then(|| "--bare".to_owned()));
        run.extend(["--model".to_owned(), model.url.clone()]);
        let questions = plan.calls / 10;
        // The peer is interpreted: its first questions are several times dearer than the later ones.
        let warm = if cell.subject == "ai sdk" { questions.max(SLOW_QUESTIONS) } else { questions / 5 };
        let counts = [("--requests", questions), ("--warm", warm)];
        run.extend(counts.into_iter().flat_map(|(option, number)| [option.to_owned(), number.to_string()]));
        own_cpu(tell(programs, &run)?)
    });
}

fn instructions(row: &Row, cell: &Cell, programs: &Programs) -> Outcome<Sample> {
    if !is_installed("valgrind", "--version") {
        return Err(Red::new("there is no valgrind"));
    }
    let count = callgrind::count(programs, cell.subject, row.mode)?;
    let told = json!({"instructions": count.instructions, "allocations": count.allocations});
    Ok(Sample { figure: count.instructions, told })
}

/// What is measured for minutes is measured once, or twice.
fn few(plan: &Plan) -> usize {
    if plan.is_quick { 1 } else { 2 }
}

/// Every sample gets a server of its own: memory is not given back.
fn memory(cell: &Cell, words: &[&str], programs: &Programs, plan: &Plan) -> Outcome<Sample> {
    if plan.is_quick && cell.point > MANY && is_slow(cell.subject) {
        return Err(Red::new("it takes minutes, so `--quick` leaves it out"));
    }
    let mut server = programs.server(cell.subject, true, 0)?;
    if cell.subject == "ours" {
        // Ours takes 50 new sessions in a second, which would be minutes; and it has streams where lists change.
        server.push("--unpaced".to_owned());
        server.extend(words.contains(&"streams").then(|| "--changes".to_owned()));
    }
    let server = programs.listen(&server)?;
    let mut words = load(programs, words);
    words.extend(["--count".to_owned(), cell.point.to_string()]);
    let told = tell(programs, &with_server(words, &server))?;
    Ok(Sample { figure: number(&told, "kib_each"), told })
}

/// Whether a subject is interpreted: it needs longer until it is as fast as it will be.
fn is_slow(subject: &str) -> bool {
    matches!(subject, "python" | "typescript")
}

/// The words of a load with the time that the plan gives it.
fn loaded(row: &Row, mode: &str, words: &[&str], cell: &Cell, programs: &Programs, plan: &Plan) -> Vec<String> {
    let mut all = load(programs, &[mode]);
    if row.axis == Axis::Payload && !words.contains(&"--progress") && !words.contains(&"--call") {
        all.extend(["--echo".to_owned(), cell.point.to_string()]);
    }
    all.extend(words.iter().map(|&word| word.to_owned()));
    // We answer with events when a client takes nothing else. Peers refuse that client, and have a mode for it.
    let is_forced = row.mode == "SSE" && !words.contains(&"--progress") && matches!(cell.subject, "limit" | "ours");
    all.extend(ONLY_EVENTS.iter().filter(|_| is_forced).map(|&word| word.to_owned()));
    // A server over HTTP lives as long as the row, one on standard streams is started in every round.
    let is_new = mode == "stdio" || cell.samples.is_empty();
    let warm = if is_slow(cell.subject) && is_new { plan.slow_warm } else { plan.seconds * WARM };
    all.extend(times(plan, warm));
    all
}

fn times(plan: &Plan, warm: f64) -> [String; 4] {
    ["--seconds".to_owned(), plan.seconds.to_string(), "--warm".to_owned(), warm.to_string()]
}

/// Loads a server that runs, for a row of another module.
///
/// # Errors
///
/// With the first answer that is not the expected one.
pub(crate) fn http(server: &Listening, words: &[&str], programs: &Programs, plan: &Plan) -> Outcome<Sample> {
    let mut all = load(programs, &["http"]);
    all.extend(words.iter().map(|&word| word.to_owned()));
    all.extend(times(plan, plan.seconds * WARM));
    cpu(tell(programs, &with_server(all, server))?)
}

fn load(programs: &Programs, words: &[&str]) -> Vec<String> {
    [programs.load_side("load")].into_iter().chain(words.iter().map(|&word| word.to_owned())).collect()
}

fn with_server(mut words: Vec<String>, server: &Listening) -> Vec<String> {
    words.extend(["--url".to_owned(), server.url.clone(), "--pid".to_owned(), server.id().to_string()]);
    words
}

fn with_command(mut words: Vec<String>, command: &[String]) -> Vec<String> {
    words.push("--".to_owned());
    words.extend(command.iter().cloned());
    words
}

/// The number of tools of a point: on a curve of something else, those that every server has.
fn tools_of(row: &Row, point: u64) -> u64 {
    if row.axis == Axis::Tools { point } else { 0 }
}

/// Runs a command that prints one line of JSON.
fn tell(programs: &Programs, words: &[String]) -> Outcome<Value> {
    let (code, lines) = Group::start(&mut programs.pinned(words))?.finish(PATIENCE)?;
    let output = lines.iter().rev().find(|line| line.is_output);
    match output.and_then(|line| serde_json::from_str(&line.text).ok()) {
        Some(told) if code == Some(0) => Ok(told),
        _ => {
            Err(Red::new(lines.last().map_or_else(|| format!("it said nothing ({code:?})"), |line| line.text.clone())))
        }
    }
}

fn cpu(told: Value) -> Outcome<Sample> {
    Ok(Sample { figure: number(&told, "cpu_us"), told })
}

/// A client tells the CPU time of all its calls.
fn own_cpu(mut told: Value) -> Outcome<Sample> {
    let figure = number(&told, "cpu_ns") / 1000.0 / number(&told, "requests").max(1.0);
    told["cpu_us"] = figure.into();
    Ok(Sample { figure, told })
}

fn number(told: &Value, name: &str) -> f64 {
    told[name].as_f64().unwrap_or_default()
}

/// The first line of a failure, for a table.
fn short(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    line.chars().take(MOST_OF_A_FAILURE).collect()
}

const MOST_OF_A_FAILURE: usize = 160;
/// How long one run may take: ten thousand streams of a slow peer.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long a subject is warmed up, as a share of the measured time.
const WARM: f64 = 0.3;
/// How many questions warm up a loop that is interpreted, at least.
const SLOW_QUESTIONS: u64 = 1000;
/// More sessions or streams than this take a slow peer minutes.
const MANY: u64 = 1000;
/// Makes the load generator take nothing but events.
const ONLY_EVENTS: [&str; 2] = ["--accept", "events"];
