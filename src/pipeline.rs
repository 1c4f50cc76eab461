//! Work on the parts of a stream, on several threads, with the results in the order of the parts.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use crossbeam_channel::{bounded, select, unbounded};

/// Takes parts from `parts` on a thread of its own, works on them on `threads` threads, and hands the results to
/// `sink` on this one, in the order of the parts. `worker` is called once a thread, and what it returns keeps its
/// state from part to part.
///
/// At most `2 * threads + 2` parts are under way at any time, from when they are taken until `sink` is done with
/// them: memory is bounded by that and the size of a part.
///
/// With an error of `sink` everything stops. The thread that takes parts is not waited for then, since it may wait
/// itself for input that never comes; it ends as soon as it has its next part.
///
/// # Errors
/// The first error of `sink`.
///
/// # Panics
/// Where `parts` or a worker panics, once everything before is done.
pub fn ordered<P, O, E, W>(
    threads: NonZeroUsize,
    parts: impl Iterator<Item = P> + Send + 'static,
    worker: impl Fn() -> W + Sync,
    mut sink: impl FnMut(O) -> Result<(), E>,
) -> Result<(), E>
where
    P: Send + 'static,
    O: Send,
    W: FnMut(P) -> O,
{
    let threads = threads.get();
    let window = 2 * threads + 2;
    let (to_work, work) = bounded(window);
    // Never holds more than the window: every result has a ticket.
    let (to_sink, results) = unbounded();
    let (give_back, tickets) = bounded(window);
    // Nothing is ever sent: that it closes tells workers that wait for a part to stop.
    let (running, stopped) = bounded::<()>(0);
    for _ in 0..window {
        let _ = give_back.send(());
    }
    let reader = thread::spawn(move || {
        let mut parts = parts;
        for number in 0_u64.. {
            // No ticket, and nobody who takes work: the run was stopped.
            if tickets.recv().is_err() {
                return;
            }
            let Some(part) = parts.next() else { return };
            if to_work.send((number, part)).is_err() {
                return;
            }
        }
    });
    let done = thread::scope(|scope| {
        for _ in 0..threads {
            let (work, to_sink, worker) = (work.clone(), to_sink.clone(), &worker);
            let stopped = stopped.clone();
            scope.spawn(move || {
                let mut each = worker();
                loop {
                    let part = select! { recv(work) -> part => part, recv(stopped) -> _ => return };
                    let Ok((number, part)) = part else { return };
                    // A panic is handed on: else the sink would wait for a part that never comes.
                    let found = catch_unwind(AssertUnwindSafe(|| each(part)));
                    let failed = found.is_err();
                    if to_sink.send((number, found)).is_err() || failed {
                        return;
                    }
                }
            });
        }
        drop((work, to_sink));
        // Closes when this closure is left, on whatever way.
        let _running = running;
        let mut waiting = BTreeMap::new();
        let mut next = 0_u64;
        for (number, found) in results {
            waiting.insert(number, found);
            while let Some(found) = waiting.remove(&next) {
                match found {
                    Ok(found) => sink(found)?,
                    Err(panic) => resume_unwind(panic),
                }
                next += 1;
                // The reader may be through.
                let _ = give_back.send(());
            }
        }
        Ok(())
    });
    drop(give_back);
    if done.is_ok()
        && let Err(panic) = reader.join()
    {
        resume_unwind(panic);
    }
    done
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use proptest::prelude::*;

    use super::*;

    fn threads(n: usize) -> NonZeroUsize {
        NonZeroUsize::new(n).unwrap()
    }

    proptest! {
        #[test]
        fn results_come_in_the_order_of_the_parts(n in 0_u64..300, many in 1_usize..6) {
            let mut found = Vec::new();
            let done: Result<(), Infallible> = ordered(
                threads(many),
                0..n,
                || |part: u64| {
                    // Parts take unlike times.
                    (0..part * 7919 % 1000).fold(part, |_, step| std::hint::black_box(step));
                    part * 2
                },
                |part| { found.push(part); Ok(()) },
            );
            prop_assert!(done.is_ok());
            prop_assert_eq!(found, (0..n).map(|part| part * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn parts_under_way_are_few() {
        let taken = Arc::new(AtomicUsize::new(0));
        let count = taken.clone();
        let parts = (0..10_000).inspect(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        });
        let mut done = 0;
        let _: Result<(), Infallible> = ordered(
            threads(3),
            parts,
            || |part: i32| part,
            |_| {
                // The one in hand included; one more is taken when its ticket comes back.
                assert!(taken.load(Ordering::SeqCst) <= done + 8);
                done += 1;
                Ok(())
            },
        );
        assert_eq!(done, 10_000);
    }

    #[test]
    fn an_error_stops_a_run_whose_input_never_ends() {
        let (keep, never) = unbounded::<u32>();
        keep.send(1).unwrap();
        let found = ordered(threads(2), never.into_iter(), || |part: u32| part, Err);
        assert_eq!(found, Err(1));
        drop(keep);
    }

    #[test]
    #[should_panic(expected = "part 20")]
    fn a_panic_is_passed_on() {
        let worker = || |part: u32| assert!(part != 20, "part {part}");
        let _: Result<(), Infallible> = ordered(threads(2), 0..1000, worker, |()| Ok(()));
    }
}
