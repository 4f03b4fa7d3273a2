//! How many calls a caller may make in a second.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// A bucket of calls for each caller: it fills with `rate` calls a second and holds at most those of one second.
#[derive(Default)]
pub(crate) struct Limiter(Mutex<HashMap<String, Bucket>>);

struct Bucket {
    calls: f64,
    at: Instant,
}

impl Limiter {
    /// Takes one call, and returns whether there was one to take. The names are those of callers, so they are few.
    pub fn take(&self, caller: &str, rate: u32) -> bool {
        let (now, rate) = (Instant::now(), f64::from(rate));
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(caller.to_owned()).or_insert(Bucket { calls: rate, at: now });
        bucket.calls = (bucket.calls + rate * now.duration_since(bucket.at).as_secs_f64()).min(rate);
        bucket.at = now;
        let is_free = bucket.calls >= 1.0;
        if is_free {
            bucket.calls -= 1.0;
        }
        is_free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_has_its_own_calls() {
        let limiter = Limiter::default();
        let taken = (0..10).filter(|_| limiter.take("a", 4)).count();
        assert!((4..=5).contains(&taken), "{taken}");
        assert!(limiter.take("b", 1));
        assert!(!limiter.take("c", 0));
    }
}
