//! The limit for standard streams: lines in, parsed to a `Value`, answered, one write for all that was there.

use std::io;

use mcp_bench::answer::{Answers, Frame};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::unix::pipe,
};

fn main() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(&Answers::with_tools(tools())))
}

/// The number behind `--tools`.
fn tools() -> usize {
    let behind = std::env::args().skip_while(|word| word != "--tools").nth(1);
    behind.and_then(|number| number.parse().ok()).unwrap_or_default()
}

async fn serve(answers: &Answers) -> io::Result<()> {
    let mut input = pipe::Receiver::from_file(standard("/proc/self/fd/0", true)?)?;
    let mut output = pipe::Sender::from_file(standard("/proc/self/fd/1", false)?)?;
    let (mut buffer, mut out) = (Vec::with_capacity(CHUNK), Vec::new());
    loop {
        let old = buffer.len();
        buffer.reserve(CHUNK);
        if input.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
        // What was there before has no end of a line.
        let Some(last) = memchr::memrchr(b'\n', &buffer[old..]) else { continue };
        let whole = old + last + 1;
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', &buffer[..whole]) {
            let line = &buffer[start..end];
            start = end + 1;
            answers.answer(line, Frame::Line, &mut out);
        }
        buffer.drain(..whole);
        output.write_all(&out).await?;
        out.clear();
    }
}

/// Opens a standard stream anew, so that it can be made non-blocking without its other owners.
fn standard(path: &str, is_input: bool) -> io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    options.custom_flags(NONBLOCK).read(is_input).write(!is_input).open(path)
}

/// `O_NONBLOCK` on Linux, where this runs.
const NONBLOCK: i32 = 0o4000;
const CHUNK: usize = 64 * 1024;
