//! Proofs that do not need each other, at the same time, for engines that make several.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::ProverError;

/// What `make` gives for each item and its number, in order, up to `at_once` of them being made at a time.
///
/// # Errors
/// The first one of those that were made; once there is one, no other is begun.
pub(crate) fn map<T: Sync, R: Send>(
    at_once: usize,
    items: &[T],
    make: impl Fn(usize, &T) -> Result<R, ProverError> + Sync,
) -> Result<Vec<R>, ProverError> {
    let threads = at_once.min(items.len());
    if threads <= 1 {
        return items.iter().enumerate().map(|(i, item)| make(i, item)).collect();
    }
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let made = Mutex::new(Vec::with_capacity(items.len()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !failed.load(Ordering::Relaxed) {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(i) else { return };
                    let result = make(i, item);
                    failed.fetch_or(result.is_err(), Ordering::Relaxed);
                    made.lock().unwrap_or_else(PoisonError::into_inner).push((i, result));
                }
            });
        }
    });
    let mut made = made.into_inner().unwrap_or_else(PoisonError::into_inner);
    made.sort_by_key(|(i, _)| *i);
    made.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_not_too_many_at_once() {
        for at_once in [0, 1, 3, 100] {
            let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let items: Vec<usize> = (0..20).collect();
            let doubled = map(at_once, &items, |i, item| {
                assert_eq!(i, *item);
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::yield_now();
                now.fetch_sub(1, Ordering::SeqCst);
                Ok(2 * item)
            });
            assert_eq!(doubled.expect("no error"), (0..20).map(|i| 2 * i).collect::<Vec<_>>());
            assert!(most.into_inner() <= at_once.max(1));
        }
        assert!(map(3, &[0; 0], |_, _| Ok(())).expect("no error").is_empty());
    }

    #[test]
    fn an_error_ends_it() {
        for at_once in [1, 4] {
            let begun = AtomicUsize::new(0);
            let error = map(at_once, &[(); 1000], |i, ()| {
                begun.fetch_add(1, Ordering::SeqCst);
                if i >= 5 { Err(ProverError::EmptyRange) } else { Ok(i) }
            });
            assert!(matches!(error, Err(ProverError::EmptyRange)));
            assert!(begun.into_inner() <= 5 + at_once);
        }
    }
}
