//! The deadlines of exchanges, by timers that are used again.
//!
//! A timer that is made and dropped for each request costs more than the request: the runtime has to be told of each,
//! and is woken for it. One that is put off, as the deadline of the next request is later than that of the last, costs
//! a few instructions. The surprising thing: so the timers that rest here stay set. They fire for nobody, once in the
//! time that a request is waited for.

use std::pin::{Pin, pin};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::runtime::{Handle, Id};
use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

/// Timers that rest.
#[derive(Default)]
pub(super) struct Alarms(Mutex<Vec<Timer>>);

/// The timer of one exchange, from when it first has to wait.
#[derive(Default)]
pub(super) struct Alarm(Option<Timer>);

struct Timer {
    /// The runtime that it belongs to; it is of no use in another.
    runtime: Id,
    sleep: Pin<Box<Sleep>>,
}

impl Alarm {
    /// Waits until a deadline.
    pub(super) fn poll(&mut self, deadline: Instant, alarms: &Alarms, cx: &mut Context<'_>) -> Poll<()> {
        let timer = self.0.get_or_insert_with(|| alarms.take(deadline));
        if timer.sleep.deadline() != deadline {
            timer.sleep.as_mut().reset(deadline);
        }
        // What is waited for may use up what a task may do at once, and the deadline holds all the same.
        pin!(unconstrained(timer.sleep.as_mut())).poll(cx)
    }

    /// Gives the timer back, if there is one.
    pub(super) fn rest(&mut self, alarms: &Alarms) {
        let Some(mut timer) = self.0.take() else { return };
        // So that it does not keep the task that has waited, not even one that has used up what it may do at once.
        let mut nobody = Context::from_waker(Waker::noop());
        if pin!(unconstrained(timer.sleep.as_mut())).poll(&mut nobody).is_pending() {
            alarms.put(timer);
        }
    }
}

impl Alarms {
    fn take(&self, deadline: Instant) -> Timer {
        let runtime = Handle::current().id();
        match self.lock().pop() {
            Some(timer) if timer.runtime == runtime => timer,
            _ => Timer { runtime, sleep: Box::pin(sleep_until(deadline)) },
        }
    }

    fn put(&self, timer: Timer) {
        let mut resting = self.lock();
        if resting.len() < MAX_RESTING {
            resting.push(timer);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Timer>> {
        // Every change is one call, so poisoning means nothing.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Timers that are kept; one above is dropped.
const MAX_RESTING: usize = 64;

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::task::Wake;
    use std::time::Duration;

    use tokio::task::coop::consume_budget;

    use super::*;

    async fn wait(alarm: &mut Alarm, alarms: &Alarms, deadline: Instant) {
        poll_fn(|cx| alarm.poll(deadline, alarms, cx)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_timer_that_rests_serves_the_next_exchange_whether_it_is_put_off_or_brought_forward() {
        let (alarms, mut alarm) = (Alarms::default(), Alarm::default());
        for seconds in [60, 90, 1, 2] {
            let deadline = Instant::now() + Duration::from_secs(seconds);
            assert!(poll_fn(|cx| Poll::Ready(alarm.poll(deadline, &alarms, cx))).await.is_pending());
            alarm.rest(&alarms);
            assert_eq!(alarms.lock().len(), 1, "there is never a second one");
            alarm = Alarm::default();
        }
        let deadline = Instant::now() + Duration::from_secs(5);
        wait(&mut alarm, &alarms, deadline).await;
        assert_eq!(Instant::now(), deadline);
        alarm.rest(&alarms);
        assert_eq!(alarms.lock().len(), 0, "one that has fired is not kept");
    }

    #[tokio::test(start_paused = true)]
    async fn a_timer_that_rests_keeps_nobody_even_when_a_task_has_done_all_it_may_at_once() {
        struct Waits;

        impl Wake for Waits {
            fn wake(self: Arc<Self>) {}
        }

        let (alarms, mut alarm, waits) = (Alarms::default(), Alarm::default(), Arc::new(Waits));
        let waker = Waker::from(Arc::clone(&waits));
        let far = Instant::now() + Duration::from_secs(60);
        assert!(alarm.poll(far, &alarms, &mut Context::from_waker(&waker)).is_pending());
        drop(waker);
        assert_eq!(Arc::strong_count(&waits), 2, "the timer wakes who waits");
        let mut nobody = Context::from_waker(Waker::noop());
        while pin!(consume_budget()).poll(&mut nobody).is_ready() {}
        alarm.rest(&alarms);
        assert_eq!((Arc::strong_count(&waits), alarms.lock().len()), (1, 1));
    }

    #[test]
    fn a_timer_of_another_runtime_is_not_used() {
        let alarms = Alarms::default();
        for _ in 0..2 {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            runtime.block_on(async {
                let mut alarm = Alarm::default();
                let far = Instant::now() + Duration::from_secs(60);
                assert!(poll_fn(|cx| Poll::Ready(alarm.poll(far, &alarms, cx))).await.is_pending());
                alarm.rest(&alarms);
            });
        }
        assert_eq!(alarms.lock().len(), 1);
    }
}
