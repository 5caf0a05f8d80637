//! What the operating system says of a process: its CPU time and its memory.

use std::{fs, io};

/// A process that is measured.
#[derive(Debug, Clone, Copy)]
pub struct Process(pub u32);

impl Process {
    /// Returns the nanoseconds that its threads were running so far.
    ///
    /// Threads that have ended are not counted: what serves must have started its threads in the warm-up.
    ///
    /// # Errors
    ///
    /// When it has ended, or the system keeps no such account.
    pub fn cpu_ns(self) -> io::Result<u64> {
        let mut sum = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.0))? {
            // A thread may end between the two reads.
            let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
            sum += text.split(' ').next().and_then(|word| word.parse::<u64>().ok()).unwrap_or_default();
        }
        Ok(sum)
    }

    /// Returns a figure of its memory in KiB, such as `VmRSS` or `VmHWM`.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub fn memory_kib(self, figure: &str) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0))?;
        let line = status.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':'));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.ok_or_else(|| io::Error::other(format!("the process has no {figure}")))
    }
}
