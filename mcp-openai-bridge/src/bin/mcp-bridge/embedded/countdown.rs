//! A tool that takes its time, to see progress and cancellation at work.

use std::time::Duration;

use mcp_server::{Args, Cx};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::output::counted;

// What `countdown` takes.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Countdown {
    /// How long it takes, in seconds
    #[serde(default = "three_seconds")]
    #[schemars(range(min = 0.0, max = 60.0))]
    seconds: f64,
    /// How many times it tells how far it has come
    #[serde(default = "three_steps")]
    #[schemars(range(min = 1, max = 100))]
    steps: u32,
}

/// Waits, and tells how far it has come.
pub(super) async fn countdown(cx: Cx, Args(wanted): Args<Countdown>) -> String {
    let steps = wanted.steps.clamp(1, 100);
    let total = Duration::try_from_secs_f64(wanted.seconds).unwrap_or(LONGEST).min(LONGEST);
    for step in 1..=steps {
        tokio::time::sleep(total / steps).await;
        let left = steps - step;
        let message = if left == 0 { "done".to_owned() } else { format!("{left} to go") };
        cx.progress(f64::from(step), f64::from(steps), message.as_str()).await;
    }
    format!("Counted down {} in {}.", counted(total.as_secs_f64(), "second"), counted(steps, "step"))
}

fn three_seconds() -> f64 {
    3.0
}

fn three_steps() -> u32 {
    3
}

/// How long a countdown can take.
pub(super) const LONGEST: Duration = Duration::from_secs(60);
