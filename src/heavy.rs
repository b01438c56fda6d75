//! Work on long texts, kept off the threads on which pages are answered and jobs are watched.

use std::panic::resume_unwind;
use tokio::task::spawn_blocking;

/// From this length on, in bytes, a text is worked on where nothing else waits for it. Below it the work takes less than a
/// few milliseconds.
const HEAVY: usize = 64 * 1024;

/// Does work whose time grows with this many bytes: at once if they are few, else on a thread for blocking work.
pub(crate) async fn heavy<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    if bytes <= HEAVY {
        return work();
    }
    match spawn_blocking(work).await {
        Ok(done) => done,
        // Work that has begun is never cancelled, and while the runtime lives it always begins.
        Err(failed) => resume_unwind(failed.into_panic()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;
    use tokio::task::JoinSet;

    #[tokio::test]
    async fn long_texts_are_worked_on_by_another_thread_and_short_ones_at_once() {
        let here = thread::current().id();
        assert_eq!(heavy(HEAVY, || thread::current().id()).await, here);
        assert_ne!(heavy(HEAVY + 1, || thread::current().id()).await, here);
    }

    #[tokio::test]
    async fn a_panic_of_the_work_is_a_panic_of_the_caller() {
        let mut callers = JoinSet::new();
        callers.spawn(heavy(HEAVY + 1, || panic!("the work's own")));
        assert!(callers.join_next().await.unwrap().unwrap_err().is_panic());
    }
}
