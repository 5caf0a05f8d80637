//! Progress of a call: a bar on a terminal, plain lines elsewhere.
//!
//! The surprising thing: a bar appears only when a call has taken half a second, because one that flashes up disturbs
//! more than it tells. The plain lines come at once, as whoever reads them may count on each.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use mcp_types::ProgressNotificationParams;
use tokio::time::Instant;

use crate::output::{Output, shortened, shown};

/// Shows the progress of one call.
pub(crate) struct Progress {
    output: Output,
    bar: Option<ProgressBar>,
    since: Instant,
}

impl Progress {
    pub(crate) fn new(output: &Output, now: Instant) -> Self {
        Self { output: *output, bar: None, since: now }
    }

    /// Shows how far the call has come.
    pub(crate) fn show(&mut self, progress: &ProgressNotificationParams, now: Instant) {
        if !self.output.is_lively() {
            self.output.say(&line(progress));
        } else if now.duration_since(self.since) >= PATIENCE {
            self.draw(progress);
        }
    }

    fn draw(&mut self, progress: &ProgressNotificationParams) {
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{bar:30} {percent:>3}% {msg}").ok();
            bar.set_style(style.unwrap_or_else(ProgressStyle::default_bar));
            bar
        });
        if let Some(total) = progress.total.filter(|total| *total > 0.0) {
            // A bar counts in whole steps; a thousand of them are finer than any terminal.
            bar.set_length(1000);
            bar.set_position(((progress.progress / total).clamp(0.0, 1.0) * 1000.0) as u64);
        }
        let message = progress.message.as_deref().unwrap_or_default();
        bar.set_message(shown(&shortened(message, 60)).into_owned());
        bar.tick();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn line(progress: &ProgressNotificationParams) -> String {
    let mut line = format!("progress {}", progress.progress);
    if let Some(total) = progress.total {
        line.push_str(&format!("/{total}"));
    }
    if let Some(message) = progress.message.as_deref().filter(|message| !message.is_empty()) {
        line.push_str(&format!(" {}", shortened(message, 200)));
    }
    line
}

/// How long a call may take before a bar appears.
const PATIENCE: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_one_line() {
        let mut progress = ProgressNotificationParams::new(mcp_types::ProgressToken::from(1), 3.0);
        assert_eq!(line(&progress), "progress 3");
        progress.total = Some(10.0);
        progress.message = Some("reading\nfiles".to_owned());
        assert_eq!(line(&progress), "progress 3/10 reading files");
    }
}
