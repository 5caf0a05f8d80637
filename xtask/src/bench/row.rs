//! What a row is: a work, who does it, how it is measured, and what must hold.

/// One row: a work, who does it, and what must hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// The name for `--only`, and of the plot.
    pub(crate) name: &'static str,
    /// What is done, for a reader.
    pub(crate) work: &'static str,
    pub(crate) era: &'static str,
    pub(crate) mode: &'static str,
    pub(crate) how: How,
    pub(crate) subjects: &'static [&'static str],
    /// What is different between the points of a curve; one point is no curve.
    pub(crate) axis: Axis,
    pub(crate) points: &'static [u64],
    pub(crate) goals: &'static [Goal],
    /// The first point that the goals are for, and that the growth is read from.
    pub(crate) goals_from: u64,
    /// What a reader must know to judge the row fairly.
    pub(crate) note: &'static str,
    /// Why a goal is missed, and what the best way is from here; shown when one is.
    pub(crate) missed: &'static str,
}

/// How a row is measured. The words go to the load generator or the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// The release build of the README's server.
    Build,
    /// A client that calls a server that is a limit.
    Client(Way, &'static [&'static str]),
    /// The way of a call through the program.
    Gateway,
    /// A server over HTTP.
    Http(&'static [&'static str]),
    /// Instructions and allocations.
    Instructions,
    /// A loop between a scripted model and a tool.
    Loop,
    /// Idle sessions, or streams.
    Memory(&'static [&'static str]),
    /// From spawn to the first answer.
    Start,
    /// A server over standard streams.
    Stdio(&'static [&'static str]),
}

/// How a client reaches its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Http,
    Stdio,
}

/// What grows along a curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Axis {
    Payload,
    Sessions,
    Streams,
    Tools,
}

impl Axis {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Payload => "bytes of text",
            Self::Sessions => "idle sessions",
            Self::Streams => "open streams",
            Self::Tools => "registered tools",
        }
    }
}

/// What must hold of `ours`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Goal {
    /// The figure is at most so many times the one of its own first point.
    Flat(f64),
    /// The whole cost grows at most with this power of the points; see [`growth`](crate::bench::growth).
    Grows(f64),
    /// A detail that the load generator tells is at most so much.
    Most(&'static str, f64),
    /// The figure is at most so many times that of the best subject whose name starts so.
    Ratio(&'static str, f64),
}

impl Row {
    /// What the figure is, for a reader.
    pub(crate) fn figure(&self) -> &'static str {
        match self.how {
            How::Build => "CPU s of a clean build",
            How::Instructions => "instructions per call",
            How::Memory(_) => "KiB each",
            How::Start => "ms to the first answer",
            _ => "CPU µs per request",
        }
    }

    pub(crate) fn is_curve(&self) -> bool {
        self.points.len() > 1
    }

    /// The goals that are for a point: growth is judged once, at the end of the curve.
    pub(crate) fn goals_at(&self, point: u64) -> impl Iterator<Item = &'static Goal> {
        let is_last = self.points.last() == Some(&point);
        let is_for = move |goal: &&Goal| is_last || !matches!(goal, Goal::Grows(_));
        let is_at = point >= self.goals_from;
        self.goals.iter().filter(move |_| is_at).filter(is_for)
    }
}
