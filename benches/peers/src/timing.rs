//! Times every engine on one input. The engines take turns.

use crate::engines::{Decider, Engine};
use crate::inputs::Input;
use anyhow::{Context, Result, ensure};
use std::time::{Duration, Instant};

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Time for each engine and input. At least a few decisions are made, even if they take longer.
    pub cell: Duration,
    /// Runs of each process.
    pub runs: usize,
}

/// The minimum number of samples for a median.
const MIN_SAMPLES: usize = 3;
/// The number of turns over which the time of an engine is spread.
const TURNS: u32 = 10;
/// Shorter decisions are timed several at once, so that the cost of reading the clock does not count.
const MIN_TIMED: Duration = Duration::from_micros(50);
/// The maximum number of decisions that are timed at once.
const MAX_AT_ONCE: u128 = 64;

/// An engine and its measurements.
struct Running<'a> {
    engine: &'a Engine,
    decider: Decider<'a>,
    /// The number of decisions that are timed at once.
    at_once: usize,
    samples: Vec<Duration>,
    spent: Duration,
}

impl Running<'_> {
    fn is_done(&self, effort: Effort) -> bool {
        self.samples.len() >= MIN_SAMPLES && self.spent >= effort.cell
    }

    /// Decides until its turn is over.
    fn take_turn(&mut self, input: &Input, effort: Effort) -> Result<()> {
        let start = Instant::now();
        loop {
            let elapsed = decide(self.engine, &mut self.decider, input, self.at_once)?;
            self.samples.push(elapsed / u32::try_from(self.at_once)?);
            let turn = start.elapsed();
            if turn >= effort.cell / TURNS {
                self.spent += turn;
                return Ok(());
            }
        }
    }
}

/// Returns the median time of a decision of each engine on an input. All verdicts are checked before any engine is timed.
///
/// # Errors
/// The error of an engine, or a wrong verdict.
pub fn measure(engines: &[Engine], input: &Input, effort: Effort) -> Result<Vec<Duration>> {
    let start = |engine| start(engine, input).with_context(|| named(engine, input));
    let mut running = engines.iter().map(start).collect::<Result<Vec<_>>>()?;
    loop {
        let mut waiting = running.iter_mut().filter(|engine| !engine.is_done(effort)).peekable();
        if waiting.peek().is_none() {
            break;
        }
        waiting.try_for_each(|engine| engine.take_turn(input, effort))?;
    }
    Ok(running.into_iter().map(|done| median(done.samples)).collect())
}

/// Checks the verdict of every engine on an input.
///
/// # Errors
/// The error of an engine, or a wrong verdict.
pub fn verify(engines: &[Engine], input: &Input) -> Result<()> {
    engines.iter().try_for_each(|engine| start(engine, input).map(drop).with_context(|| named(engine, input)))
}

fn start<'a>(engine: &'a Engine, input: &'a Input) -> Result<Running<'a>> {
    let mut decider = (engine.prepare)(input)?;
    let first = decide(engine, &mut decider, input, 1)?;
    let at_once = (MIN_TIMED.as_nanos() / first.as_nanos().max(1)).clamp(1, MAX_AT_ONCE);
    Ok(Running { engine, decider, at_once: usize::try_from(at_once)?, samples: Vec::new(), spent: Duration::ZERO })
}

/// Decides, and compares the verdict with the expected one.
fn decide(engine: &Engine, decider: &mut Decider<'_>, input: &Input, times: usize) -> Result<Duration> {
    let (elapsed, found) = decider.decide(times)?;
    let expected = input.broken.and(engine.rules);
    ensure!(found == expected, "{}: found {found:?}, expected {expected:?}", named(engine, input));
    Ok(elapsed)
}

fn named(engine: &Engine, input: &Input) -> String {
    format!("{}, {}, on {}", engine.name, engine.part, input.name)
}

/// The median; of an even number of samples, the larger of the two in the middle.
pub fn median<T: Ord + Copy + Default>(mut samples: Vec<T>) -> T {
    samples.sort_unstable();
    samples.get(samples.len() / 2).copied().unwrap_or_default()
}
