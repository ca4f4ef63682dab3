//! Answers that were given a short time ago.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::ResolveErrorKind;

/// How many answers are kept: a few megabytes at most.
const CAPACITY: usize = 16_384;

/// How long it is kept that nobody could answer: long enough for those who wait for the same.
const FAILURE: Duration = Duration::from_secs(1);

type Result<T> = std::result::Result<T, ResolveErrorKind>;
type Slot<T> = Arc<tokio::sync::Mutex<Option<(Instant, Result<T>)>>>;

/// Answers by question. Whoever asks what is being asked already waits for that answer.
pub(crate) struct Cache<K, T> {
    keep: Duration,
    slots: Mutex<HashMap<K, Slot<T>>>,
}

impl<K: Eq + Hash, T: Clone> Cache<K, T> {
    pub(crate) fn new(keep: Duration) -> Self {
        Self { keep, slots: Mutex::new(HashMap::new()) }
    }

    /// The answer to `question`: the one that is kept, or what `ask` gives.
    pub(crate) async fn get_or(&self, question: K, ask: impl Future<Output = Result<T>>) -> Result<T> {
        let slot = self.slot(question);
        let mut kept = slot.lock().await;
        if let Some((until, answer)) = &*kept
            && now() < *until
        {
            return answer.clone();
        }
        let answer = ask.await;
        let failed = answer.as_ref().is_err_and(ResolveErrorKind::is_temporary);
        let keep = if failed { self.keep.min(FAILURE) } else { self.keep };
        *kept = Some((now() + keep, answer.clone()));
        answer
    }

    fn slot(&self, question: K) -> Slot<T> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= CAPACITY {
            // All but those that someone waits for. What is asked again is asked again.
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        Arc::clone(slots.entry(question).or_default())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how old an answer is decides nothing but whether to ask again"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const KEEP: Duration = Duration::from_mins(1);

    /// Asks through `cache` and counts how often that gets through.
    async fn ask(
        cache: &Cache<u32, u32>,
        asked: &AtomicUsize,
        question: u32,
        answer: Result<u32>,
    ) -> Result<u32> {
        cache
            .get_or(question, async {
                asked.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(10)).await;
                answer
            })
            .await
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_kept_for_its_time_and_a_failure_for_a_second() {
        let cache = Cache::new(KEEP);
        for (question, answer, keep) in [
            (1, Ok(1), KEEP),
            (2, Err(ResolveErrorKind::NoSuchName), KEEP),
            (3, Err(ResolveErrorKind::ServerFailure), FAILURE),
        ] {
            let asked = AtomicUsize::new(0);
            assert_eq!(ask(&cache, &asked, question, answer.clone()).await, answer);
            tokio::time::advance(keep.checked_sub(Duration::from_millis(1)).unwrap()).await;
            assert_eq!(ask(&cache, &asked, question, Ok(9)).await, answer, "{question}");
            assert_eq!(asked.load(Ordering::Relaxed), 1);
            tokio::time::advance(Duration::from_millis(1)).await;
            assert_eq!(ask(&cache, &asked, question, Ok(9)).await, Ok(9));
            assert_eq!(asked.load(Ordering::Relaxed), 2);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_question_is_asked_once_at_a_time_also_when_the_first_gives_up() {
        let (cache, asked) = (Cache::new(KEEP), AtomicUsize::new(0));
        let first = tokio::time::timeout(Duration::from_millis(5), ask(&cache, &asked, 1, Ok(1)));
        let (first, second, third) =
            tokio::join!(first, ask(&cache, &asked, 1, Ok(2)), ask(&cache, &asked, 1, Ok(3)));
        assert!(first.is_err());
        assert_eq!((second, third), (Ok(2), Ok(2)));
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_bounded() {
        let (cache, asked) = (Cache::new(KEEP), AtomicUsize::new(0));
        for question in 0..=u32::try_from(CAPACITY).unwrap() {
            ask(&cache, &asked, question, Ok(0)).await.unwrap();
        }
        assert_eq!(cache.slots.lock().unwrap().len(), 1);
    }
}
