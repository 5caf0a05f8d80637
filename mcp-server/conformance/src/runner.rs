//! Runs the cells, some at once, each within its deadline.
//!
//! The surprising thing: a cell is a task of its own, so that one that never waits does not stop the others' deadlines.

use std::cell::RefCell;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures::{FutureExt as _, StreamExt as _, stream};

use crate::report::{Color, Report, Row};
use crate::scenario::{Named, Scenario};
use crate::setting::Setting;
use crate::stage::Stage;

/// What to run.
pub(crate) struct Plan {
    pub(crate) scenarios: Vec<Named>,
    pub(crate) settings: Vec<Setting>,
    /// How many cells run at once.
    pub(crate) jobs: usize,
    /// How long one cell may take.
    pub(crate) deadline: Duration,
}

/// Runs every cell of the plan.
pub(crate) async fn run(plan: &Plan) -> Report {
    let start = Instant::now();
    let cells = plan.scenarios.iter().flat_map(|&(_, scenario)| plan.settings.iter().map(move |&at| (scenario, at)));
    let colors = stream::iter(cells).map(|(scenario, setting)| cell(scenario, setting, plan.deadline));
    let mut colors = colors.buffered(plan.jobs).collect::<Vec<_>>().await.into_iter();
    let rows = plan.scenarios.iter().map(|&(name, scenario)| Row {
        name,
        proves: scenario.proves,
        cells: colors.by_ref().take(plan.settings.len()).collect(),
    });
    Report { rows: rows.collect(), settings: plan.settings.clone(), took: start.elapsed() }
}

async fn cell(scenario: &'static Scenario, setting: Setting, deadline: Duration) -> Color {
    if !(scenario.exists)(&setting) {
        return Color::Absent;
    }
    let start = Instant::now();
    let mut task = AbortOnDrop(tokio::spawn(guarded(scenario, setting)));
    let reason = match tokio::time::timeout(deadline, &mut task.0).await {
        Ok(Ok(Ok(()))) => return Color::Ok(start.elapsed()),
        Ok(Ok(Err(reason))) => reason,
        // The run itself catches panics, so this is one of the stage's own ending.
        Ok(Err(join)) => format!("the stage broke: {join}"),
        Err(_) => format!("did not end within {deadline:?}"),
    };
    Color::Red { reason, took: start.elapsed() }
}

/// Runs a scenario; a panic is a reason like any other.
async fn guarded(scenario: &'static Scenario, setting: Setting) -> Result<(), String> {
    let stage = Stage::new(setting);
    let run = AssertUnwindSafe((scenario.run)(&stage)).catch_unwind();
    match run.await {
        Ok(verdict) => verdict.map_err(|failure| failure.to_string()),
        Err(panic) => {
            let message = panic
                .downcast_ref::<&str>()
                .copied()
                .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
                .unwrap_or("a value that is not a text");
            let place = PANICKED_AT.take().map(|place| format!(" at {place}")).unwrap_or_default();
            Err(format!("the scenario panicked{place}: {message}"))
        }
    }
}

/// Keeps panics from being printed in the middle of the table; their place goes into the reason.
pub(crate) fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        PANICKED_AT.set(panic.location().map(ToString::to_string));
    }));
}

thread_local! {
    /// Where the last panic of this thread was; it is caught on the thread that it happens on.
    static PANICKED_AT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A task that ends with its owner.
pub(crate) struct AbortOnDrop<T>(pub(crate) tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use mcp_types::Revision;

    use super::*;
    use crate::failure::broken;
    use crate::scenario::everywhere;
    use crate::setting::Transport;

    const GREEN: Scenario =
        Scenario { proves: "it is green (T-1)", exists: everywhere, run: |_| Box::pin(async { Ok(()) }) };
    const RED: Scenario = Scenario {
        proves: "it is red (T-1)",
        exists: everywhere,
        run: |_| Box::pin(async { Err(broken("two and two make five")) }),
    };
    const PANICS: Scenario = Scenario {
        proves: "it panics (T-1)",
        exists: everywhere,
        run: |_| Box::pin(async { panic!("out of {}", "coffee") }),
    };
    const HANGS: Scenario =
        Scenario { proves: "it hangs (T-1)", exists: everywhere, run: |_| Box::pin(std::future::pending()) };
    const LEGACY: Scenario = Scenario {
        proves: "it is old (T-1)",
        exists: |setting| setting.is_legacy(),
        run: |_| Box::pin(async { Ok(()) }),
    };

    fn plan(scenarios: &[Named]) -> Plan {
        let revisions = [Revision::LATEST_LEGACY, Revision::LATEST];
        let settings = revisions.map(|revision| Setting { transport: Transport::Memory, revision });
        Plan { scenarios: scenarios.to_vec(), settings: settings.to_vec(), jobs: 2, deadline: Duration::from_secs(9) }
    }

    fn reasons(report: &Report) -> Vec<&str> {
        report.reds().map(|(_, _, reason)| reason).collect()
    }

    #[tokio::test]
    async fn a_matrix_that_is_green_exits_with_0_and_one_red_cell_makes_it_1() {
        let green = run(&plan(&[("green", &GREEN), ("legacy", &LEGACY)])).await;
        assert_eq!((green.exit_code(), reasons(&green)), (0, vec![]));
        let red = run(&plan(&[("green", &GREEN), ("red", &RED)])).await;
        assert_eq!(red.exit_code(), 1);
        assert!(
            reasons(&red).iter().all(|reason| reason.starts_with("does not hold: two and two make five [runner.rs:"))
        );
    }

    #[tokio::test]
    async fn a_scenario_that_panics_is_red_and_the_next_one_runs() {
        let report = run(&plan(&[("panics", &PANICS), ("green", &GREEN)])).await;
        assert_eq!(report.exit_code(), 1);
        assert_eq!(reasons(&report).len(), 2);
        assert!(reasons(&report).iter().all(|reason| reason.contains("out of coffee")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_scenario_that_does_not_end_is_red_at_its_deadline() {
        let report = run(&plan(&[("hangs", &HANGS)])).await;
        assert_eq!(reasons(&report), ["did not end within 9s"; 2]);
    }

    #[tokio::test]
    async fn a_scenario_is_absent_where_it_does_not_exist() {
        let report = run(&plan(&[("legacy", &LEGACY)])).await;
        let cells = &report.rows.first().unwrap().cells;
        assert!(matches!(cells.as_slice(), [Color::Ok(_), Color::Absent]));
    }

    #[tokio::test]
    async fn a_matrix_without_a_cell_proves_nothing_and_is_red() {
        assert_eq!(run(&plan(&[])).await.exit_code(), 1);
    }
}
