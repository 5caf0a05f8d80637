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

    /// Returns the nanoseconds that its threads were running since [`cpu_ns`](Self::cpu_ns) said `before`.
    ///
    /// # Errors
    ///
    /// As `cpu_ns`; and when there are fewer than before, since a thread has ended and took its time with it.
    pub fn cpu_ns_since(self, before: u64) -> io::Result<u64> {
        self.cpu_ns()?.checked_sub(before).ok_or_else(|| {
            io::Error::other("a thread of the server ended while it was measured, so its CPU time is not known")
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_that_ended_threads_took_with_them_is_an_error_and_no_huge_figure() {
        let own = Process(std::process::id());
        assert!(own.cpu_ns_since(0).is_ok());
        assert!(own.cpu_ns_since(u64::MAX).unwrap_err().to_string().contains("ended"));
    }
}
